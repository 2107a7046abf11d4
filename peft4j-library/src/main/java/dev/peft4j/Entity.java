package dev.peft4j;

/**
 * Words of a text that a {@link TokenTagger} found to be one thing.
 *
 * @param type what it is: the tag without {@code B-} and {@code I-}
 * @param text its words as they stand in the text
 * @param begin its first character
 * @param end behind its last character
 * @param probability of the tags of its words, the least of them
 */
public record Entity(String type, String text, int begin, int end, double probability) {}
