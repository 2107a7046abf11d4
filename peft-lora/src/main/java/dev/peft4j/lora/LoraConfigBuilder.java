package dev.peft4j.lora;

import dev.peft4j.core.adapter.Attachment;
import java.util.List;
import java.util.Map;

/** Makes a {@link LoraConfig} of many fields; each starts as in the config that it was made of. */
public final class LoraConfigBuilder {
    private int r;
    private double alpha;
    private double dropout;
    private Attachment attachment;
    private boolean rsLora;
    private boolean dora;
    private LoraConfig.Bias bias;
    private boolean loraBias;
    private Map<String, Integer> rankPattern;
    private Map<String, Double> alphaPattern;
    private LoraInit init;
    private Map<String, List<Integer>> trainableTokens;
    private boolean ensureWeightTying;

    LoraConfigBuilder(LoraConfig c) {
        r = c.r();
        alpha = c.alpha();
        dropout = c.dropout();
        attachment = c.attachment();
        rsLora = c.rsLora();
        dora = c.dora();
        bias = c.bias();
        loraBias = c.loraBias();
        rankPattern = c.rankPattern();
        alphaPattern = c.alphaPattern();
        init = c.init();
        trainableTokens = c.trainableTokens();
        ensureWeightTying = c.ensureWeightTying();
    }

    /** See {@link LoraConfig#r}. */
    public LoraConfigBuilder r(int value) {
        r = value;
        return this;
    }

    /** See {@link LoraConfig#alpha}. */
    public LoraConfigBuilder alpha(double value) {
        alpha = value;
        return this;
    }

    /** See {@link LoraConfig#dropout}. */
    public LoraConfigBuilder dropout(double value) {
        dropout = value;
        return this;
    }

    /** See {@link LoraConfig#attachment}. */
    public LoraConfigBuilder attachment(Attachment value) {
        attachment = value;
        return this;
    }

    /** See {@link LoraConfig#rsLora}. */
    public LoraConfigBuilder rsLora(boolean value) {
        rsLora = value;
        return this;
    }

    /** See {@link LoraConfig#dora}. */
    public LoraConfigBuilder dora(boolean value) {
        dora = value;
        return this;
    }

    /** See {@link LoraConfig#bias}. */
    public LoraConfigBuilder bias(LoraConfig.Bias value) {
        bias = value;
        return this;
    }

    /** See {@link LoraConfig#loraBias}. */
    public LoraConfigBuilder loraBias(boolean value) {
        loraBias = value;
        return this;
    }

    /** See {@link LoraConfig#rankPattern}. */
    public LoraConfigBuilder rankPattern(Map<String, Integer> value) {
        rankPattern = value;
        return this;
    }

    /** See {@link LoraConfig#alphaPattern}. */
    public LoraConfigBuilder alphaPattern(Map<String, Double> value) {
        alphaPattern = value;
        return this;
    }

    /** See {@link LoraConfig#init}. */
    public LoraConfigBuilder init(LoraInit value) {
        init = value;
        return this;
    }

    /** See {@link LoraConfig#trainableTokens}. */
    public LoraConfigBuilder trainableTokens(Map<String, List<Integer>> value) {
        trainableTokens = value;
        return this;
    }

    /** See {@link LoraConfig#ensureWeightTying}. */
    public LoraConfigBuilder ensureWeightTying(boolean value) {
        ensureWeightTying = value;
        return this;
    }

    /** The config. */
    public LoraConfig build() {
        return new LoraConfig(
                r,
                alpha,
                dropout,
                attachment,
                rsLora,
                dora,
                bias,
                loraBias,
                rankPattern,
                alphaPattern,
                init,
                trainableTokens,
                ensureWeightTying);
    }
}
