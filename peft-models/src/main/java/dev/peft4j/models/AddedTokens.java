package dev.peft4j.models;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tokens that are added to the vocabulary of a model, with the ids that they get. */
final class AddedTokens {
    private final ModelPart model;
    private final Map<String, AddedToken> tokens = new LinkedHashMap<>();
    private final Map<String, Integer> ids = new HashMap<>();

    AddedTokens(ModelPart model) {
        this.model = model;
    }

    /**
     * Adds tokens, or changes how they are found. One that the vocabulary has keeps its id; others get the next ids behind the vocabulary and the tokens added
     * before.
     */
    void add(List<AddedToken> added) {
        int next = next(ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1));
        for (AddedToken token : added) {
            if (token.content().isEmpty()) {
                continue;
            }
            int id = id(token.content());
            ids.put(token.content(), id >= 0 ? id : next++);
            tokens.put(token.content(), token.settled());
        }
    }

    /** The id behind the vocabulary and the tokens before. */
    private int next(int largest) {
        return Math.max(largest + 1, model.count());
    }

    /** The id of a token that was added or is in the vocabulary, or -1. */
    int id(String content) {
        return ids.getOrDefault(content, model.id(content));
    }

    boolean has(String content) {
        return ids.containsKey(content);
    }

    /** All that were added. */
    List<AddedToken> all() {
        return List.copyOf(tokens.values());
    }

    /** The tokens in the order in which the library gives them these ids. */
    List<Object> json() {
        List<AddedToken> order = new ArrayList<>(tokens.values());
        order.sort(Comparator.comparingInt(t -> id(t.content())));
        int largest = -1;
        List<Object> out = new ArrayList<>();
        for (AddedToken token : order) {
            String content = token.content();
            int id = id(content);
            if (id == largest || (model.id(content) < 0 && id != next(largest))) {
                throw new BadInputException("the added token " + JsonPart.shown(content) + " has the id " + id
                        + ", which another one has or which does not follow the ids before it");
            }
            largest = id;
            out.add(TokenizerParts.fields(
                    "id",
                    id,
                    "content",
                    content,
                    "single_word",
                    token.singleWord(),
                    "lstrip",
                    token.lstrip(),
                    "rstrip",
                    token.rstrip(),
                    "normalized",
                    token.isNormalized(),
                    "special",
                    token.special()));
        }
        return out;
    }
}
