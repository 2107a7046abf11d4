package dev.peft4j.models;

import java.util.Map;
import java.util.Set;

/**
 * What has to be known of a tokenizer while it is used.
 *
 * @param kind of its model
 * @param postProcessor the special tokens around a text
 * @param foreign tokens by id that the model has no embedding for: no text may have them
 * @param end id of the token that ends a text, or -1
 * @param mask id of the token that stands for a hidden one, or -1
 * @param special ids of the special tokens, which stand for no text
 * @param longestText most characters of one call of the library
 * @param decomposes whether texts are normalised, so that their decompositions (NFKD) count
 * @param growth most ids that a character becomes
 * @param longestDecoded most characters of tokens that are decoded in one call
 * @param decodedGrowth most characters that one of a token becomes
 * @param lengths characters of the tokens by id
 * @param longestToken of the vocabulary, in characters
 * @param longestAdded added token, in characters
 * @param longestWord characters of the longest word that a WordPiece model cuts
 * @param cutsAtSpaces whether no token goes on behind a space between two words
 * @param cleansUp whether spaces in front of punctuation are taken out of decoded texts
 */
record TokenizerTraits(
        ModelPart.Kind kind,
        PostProcessor postProcessor,
        Map<Integer, String> foreign,
        int end,
        int mask,
        Set<Integer> special,
        int longestText,
        boolean decomposes,
        double growth,
        int longestDecoded,
        double decodedGrowth,
        int[] lengths,
        int longestToken,
        int longestAdded,
        int longestWord,
        boolean cutsAtSpaces,
        boolean cleansUp) {

    /** Takes spaces out in front of punctuation, as transformers does. */
    static String cleanUp(String text) {
        return text.replace(" .", ".")
                .replace(" ?", "?")
                .replace(" !", "!")
                .replace(" ,", ",")
                .replace(" ' ", "'")
                .replace(" n't", "n't")
                .replace(" 'm", "'m")
                .replace(" 's", "'s")
                .replace(" 've", "'ve")
                .replace(" 're", "'re");
    }
}
