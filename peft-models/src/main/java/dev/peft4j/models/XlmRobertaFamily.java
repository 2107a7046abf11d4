package dev.peft4j.models;

/** XLM-RoBERTa: RoBERTa of a hundred languages (Conneau et al. 2020, <a href="https://arxiv.org/abs/1911.02116">paper</a>). */
public final class XlmRobertaFamily extends RobertaFamily {
    /** For the service loader. */
    public XlmRobertaFamily() {
        super("xlm-roberta", "XLMRoberta");
    }
}
