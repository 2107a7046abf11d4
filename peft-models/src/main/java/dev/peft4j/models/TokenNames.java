package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * The tokens that a class of transformers gives names to where no file does.
 *
 * @param kind the class
 * @param settings of {@code tokenizer_config.json}
 */
record TokenNames(TokenizerClass kind, JsonPart settings) {
    private static final String END_OF_TEXT = "<|endoftext|>";
    private static final int MOST_EXTRA_IDS = 1000;

    void giveTo(SpecialTokens tokens) throws BadFileException {
        switch (kind) {
            case FILE -> {}
            case BERT ->
                name(
                        tokens,
                        "unk_token",
                        "[UNK]",
                        "sep_token",
                        "[SEP]",
                        "pad_token",
                        "[PAD]",
                        "cls_token",
                        "[CLS]",
                        "mask_token",
                        "[MASK]");
            case GPT2 -> {
                name(tokens, "unk_token", END_OF_TEXT, "bos_token", END_OF_TEXT, "eos_token", END_OF_TEXT);
                tokens.putIfUnnamed("pad_token", null);
            }
            case LLAMA -> name(tokens, "unk_token", "<unk>", "bos_token", "<s>", "eos_token", "</s>");
            case CODE_LLAMA -> codeLlama(tokens);
            case ROBERTA, XLM_ROBERTA ->
                name(
                        tokens,
                        "bos_token",
                        "<s>",
                        "eos_token",
                        "</s>",
                        "sep_token",
                        "</s>",
                        "cls_token",
                        "<s>",
                        "unk_token",
                        "<unk>",
                        "pad_token",
                        "<pad>",
                        "mask_token",
                        "<mask>");
            case GPT_NEOX ->
                name(
                        tokens,
                        "unk_token",
                        END_OF_TEXT,
                        "bos_token",
                        END_OF_TEXT,
                        "eos_token",
                        END_OF_TEXT,
                        "pad_token",
                        "<|padding|>");
            case QWEN2 -> name(tokens, "unk_token", END_OF_TEXT, "eos_token", END_OF_TEXT, "pad_token", END_OF_TEXT);
            case GEMMA ->
                name(
                        tokens,
                        "unk_token",
                        "<unk>",
                        "bos_token",
                        "<bos>",
                        "eos_token",
                        "<eos>",
                        "pad_token",
                        "<pad>",
                        "mask_token",
                        "<mask>");
            case T5 -> t5(tokens);
        }
    }

    private static void name(SpecialTokens tokens, String... namesAndTokens) {
        for (int i = 0; i < namesAndTokens.length; i += 2) {
            tokens.putIfUnnamed(namesAndTokens[i], namesAndTokens[i + 1]);
        }
    }

    private static void codeLlama(SpecialTokens tokens) {
        name(tokens, "unk_token", "<unk>", "bos_token", "<s>", "eos_token", "</s>");
        Map<String, String> infill = new LinkedHashMap<>();
        infill.put("prefix_token", TokenizerRecipe.SPACE + "<PRE>");
        infill.put("middle_token", TokenizerRecipe.SPACE + "<MID>");
        infill.put("suffix_token", TokenizerRecipe.SPACE + "<SUF>");
        infill.put("eot_token", TokenizerRecipe.SPACE + "<EOT>");
        infill.put("fill_token", "<FILL_ME>");
        List<AddedToken> listed = new ArrayList<>(Objects.requireNonNullElse(tokens.additional(), List.of()));
        infill.values().forEach(t -> listed.add(AddedToken.special(t)));
        infill.forEach(tokens::putIfUnknown);
        tokens.addIfNoneListed(listed);
    }

    private void t5(SpecialTokens tokens) throws BadFileException {
        name(tokens, "eos_token", "</s>", "unk_token", "<unk>", "pad_token", "<pad>");
        int extra = settings.has("extra_ids") ? settings.whole("extra_ids", 0, MOST_EXTRA_IDS) : 100;
        List<AddedToken> listed = new ArrayList<>(Objects.requireNonNullElse(tokens.additional(), List.of()));
        if (listed.stream().noneMatch(t -> t.content().contains("<extra_id_"))) {
            IntStream.range(0, extra).forEach(i -> listed.add(AddedToken.special("<extra_id_" + i + ">")));
        }
        tokens.addIfNoneListed(listed);
    }
}
