package dev.peft4j.models.chat;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.List;

/**
 * An answer to a prompt, and whether it is one that is wanted.
 *
 * @param messages of the prompt; none if it is a text
 * @param prompt as a text; empty if it is messages
 * @param completion the answer: what the assistant says, or how the text goes on
 * @param isGood whether it is to become more probable, or less
 * @param place file and line for messages of errors; empty if it is from no file
 */
public record Rating(List<ChatMessage> messages, String prompt, String completion, boolean isGood, String place) {
    /**
     * Checks that there is something to rate.
     *
     * @throws BadInputException if the answer or the prompt is empty, or the messages of the prompt are out of order
     */
    public Rating {
        messages = List.copyOf(messages);
        Preference.requirePrompt(messages, prompt, "a rating", place);
        if (completion.isEmpty()) {
            throw Chat.bad(
                    place,
                    "a rating was to have an answer, and its completion is empty. Write it, or leave the record out.");
        }
    }

    /** Both answers of a preference, the better one first. */
    public static List<Rating> of(Preference p) {
        return List.of(
                new Rating(p.messages(), p.prompt(), p.chosen(), true, p.place()),
                new Rating(p.messages(), p.prompt(), p.rejected(), false, p.place()));
    }

    /** Whether the prompt is messages, which a chat template makes a text of. */
    public boolean isChat() {
        return !messages.isEmpty();
    }

    /** Ratings by the records that they are from: those that stand beside each other and have the same place are from one, and are to be held out together. */
    public static List<List<Rating>> byRecord(List<Rating> ratings) {
        List<List<Rating>> records = new ArrayList<>();
        int from = 0;
        for (int to = 1; to <= ratings.size(); to++) {
            String place = ratings.get(from).place;
            if (to == ratings.size() || place.isEmpty() || !place.equals(ratings.get(to).place)) {
                records.add(List.copyOf(ratings.subList(from, to)));
                from = to;
            }
        }
        return records;
    }
}
