package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The class of transformers (version 5) that opens the tokenizer of a directory. Most classes take the vocabulary of {@code tokenizer.json} alone and make
 * everything else from {@code tokenizer_config.json}, so the class decides which ids a text has.
 */
enum TokenizerClass {
    /** The file as it is. */
    FILE,
    BERT,
    GPT2,
    LLAMA,
    CODE_LLAMA,
    ROBERTA,
    XLM_ROBERTA,
    GPT_NEOX,
    QWEN2,
    GEMMA,
    T5;

    /** Other classes of transformers that make their own tokenizer, without the word Tokenizer. */
    private static final Set<String> OTHERS =
            Set.of(("Albert Barthez Bartpho BertGeneration BertJapanese Bertweet BigBird BioGpt BlenderbotSmall "
                            + "Blenderbot ByT5 CLIP CTRL Camembert Canine Clvp CodeGen Cohere CpmAnt Cpm Deberta DebertaV2 Dia Esm "
                            + "Esmc FNet FSMT FastSpeech2Conformer Flaubert Funnel GPTNeoXJapanese GPTSw3 Herbert Lasr LayoutLMv2 "
                            + "LayoutLMv3 LayoutXLM Luke M2M100 MBart50 MBart MLuke MPNet Marian MarkupLM Mgpstr MyT5 Nllb Nougat "
                            + "OpenAIGPT PLBart Pegasus Perceiver Phobert Pop2Piano ProphetNet Qwen3_5 Rag Reformer RemBert RoCBert "
                            + "RoFormer SeamlessM4T Siglip2 Siglip Speech2Text SpeechT5 Splinter Tapas Tipsv2 Udop VideoPrism Vits "
                            + "Wav2Vec2CTC Wav2Vec2PhonemeCTC Whisper XGLM XLM XLNet")
                    .split(" "));

    /**
     * Finds the class of a directory.
     *
     * @param config of the model, if it is there
     * @param settings of {@code tokenizer_config.json}, if it is there
     * @throws BadFileException if it names a class that this library does not have
     */
    static TokenizerClass of(Path directory, @Nullable JsonPart config, @Nullable JsonPart settings)
            throws IOException {
        Object code = settings == null ? null : settings.fields().get("auto_map");
        if (settings != null && (code instanceof List<?> || hasTokenizer(code))) {
            throw settings.bad("\"auto_map\" names code of its own that makes the tokenizer, which is not run here."
                    + " Save the tokenizer with a class of transformers.");
        }
        JsonPart names = settings != null && settings.has("tokenizer_class") ? settings : config;
        String name = names == null ? null : names.textOrNull("tokenizer_class");
        String family = config == null || !config.has("model_type") ? "" : config.text("model_type");
        TokenizerClass registered = ofFamily(family);
        if (names == null || name == null || registered == FILE || namesAreWrong(family)) {
            return registered == null ? FILE : registered;
        }
        TokenizerClass named = ofName(name, names);
        return named == LLAMA && isByteLevel(directory) ? FILE : named;
    }

    private static boolean hasTokenizer(@Nullable Object code) {
        return code instanceof Map<?, ?> m && m.get("AutoTokenizer") != null;
    }

    /** Python looks for these characters, too. */
    private static boolean isByteLevel(Path directory) throws IOException {
        Path file = directory.resolve("tokenizer.json");
        return Files.isRegularFile(file)
                && new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains("\"ByteLevel\"");
    }

    private static TokenizerClass ofName(String name, JsonPart file) throws BadFileException {
        String plain = name.endsWith("Fast") ? name.substring(0, name.length() - "Fast".length()) : name;
        if (plain.startsWith("DPR") || OTHERS.contains(plain.replaceFirst("Tokenizer$", ""))) {
            String problem = "\"tokenizer_class\" is " + JsonPart.shown(name) + ", which makes a tokenizer that this"
                    + " library does not. Save it as PreTrainedTokenizerFast.";
            throw file.bad(problem);
        }
        return switch (plain) {
            case "BertTokenizer",
                    "ConvBertTokenizer",
                    "DistilBertTokenizer",
                    "ElectraTokenizer",
                    "LayoutLMTokenizer",
                    "LxmertTokenizer",
                    "MobileBertTokenizer",
                    "SqueezeBertTokenizer" -> BERT;
            case "GPT2Tokenizer" -> GPT2;
            case "LlamaTokenizer", "Phi3Tokenizer" -> LLAMA;
            case "CodeLlamaTokenizer" -> CODE_LLAMA;
            case "RobertaTokenizer", "BartTokenizer", "LEDTokenizer", "LongformerTokenizer", "MvpTokenizer" -> ROBERTA;
            case "XLMRobertaTokenizer" -> XLM_ROBERTA;
            case "GPTNeoXTokenizer" -> GPT_NEOX;
            case "Qwen2Tokenizer" -> QWEN2;
            case "GemmaTokenizer" -> GEMMA;
            case "T5Tokenizer" -> T5;
            default -> FILE;
        };
    }

    /** The class that belongs to a family of models, or null if there is none. */
    private static @Nullable TokenizerClass ofFamily(String family) {
        return switch (family) {
            case "bert", "distilbert", "electra", "mobilebert", "squeezebert", "megatron-bert", "nomic_bert" -> BERT;
            case "gpt2", "gptj", "gpt_neo", "opt", "phi", "starcoder2" -> GPT2;
            case "roberta", "roberta-prelayernorm", "bart", "longformer" -> ROBERTA;
            case "xlm-roberta", "xmod", "gte" -> XLM_ROBERTA;
            case "gpt_neox", "mamba", "mamba2", "olmo", "olmoe" -> GPT_NEOX;
            case "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "qwen3_next" -> QWEN2;
            case "gemma", "gemma2", "gemma3", "gemma3_text", "recurrent_gemma" -> GEMMA;
            case "t5", "mt5", "switch_transformers" -> T5;
            case "glm",
                    "glm4",
                    "gpt_bigcode",
                    "granite",
                    "ministral",
                    "mistral",
                    "mixtral",
                    "modernbert",
                    "nemotron",
                    "olmo2",
                    "olmo3",
                    "phi3",
                    "phimoe",
                    "stablelm",
                    "umt5" -> FILE;
            default -> null;
        };
    }

    /** The names in the files of these families are not followed. */
    private static boolean namesAreWrong(String family) {
        return family.equals("qwen2");
    }
}
