package dev.peft4j;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.TagEncoder;
import dev.peft4j.models.hub.HubPath;
import dev.peft4j.run.ExampleReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Says the tags of words, and the entities that they make up. Any number of threads may use one. Whoever opened it, or got it from a {@link FineTuned} or
 * {@link TextModel}, closes it. Words behind the context of the model, and those that make no token, get an empty tag.
 */
public final class TokenTagger implements AutoCloseable {
    private static final String DONE = "tagged";
    private static final String OUTSIDE = "O";
    private static final String NOT_READ = "";
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{M}\\p{N}_]++|[^\\s\\p{L}\\p{M}\\p{N}_]");

    private final TagEncoder encoder;
    private final ExampleReader reader;
    private final Labels labels;

    TokenTagger(Base base, Function<Pass, Call> calls, Labels labels, int rowsInFront, Runnable onClose) {
        this.encoder = new TagEncoder(base.tokenizer(), base.model().contextLength() - rowsInFront);
        this.reader = new ExampleReader(base.model(), calls, true, onClose);
        this.labels = labels;
    }

    /**
     * Opens a base and an adapter of a tagger, whose tags are those that it was trained with.
     *
     * @param adapter null for a checkpoint that has a head
     * @throws dev.peft4j.core.error.BadFileException if a directory holds no such thing, or the adapter is for another base
     */
    public static TokenTagger open(Path base, @Nullable Path adapter) throws IOException {
        return Views.open(base, TaskType.TOKEN_CLS, TaskType.TOKEN_CLS, adapter).tagger();
    }

    /**
     * The same by names: of a directory, or of a repository of a hub, {@code hub:org/name} or {@code hub:org/name@revision}, which is downloaded ({@link HubPath}).
     *
     * @param adapter null for a checkpoint that has a head
     * @throws IOException as above, or if the hub does not have it or cannot be reached
     */
    public static TokenTagger open(String base, @Nullable String adapter) throws IOException {
        return open(HubPath.of(base), Views.path(adapter));
    }

    /** The tags in the order of the outputs. */
    public List<String> labels() {
        return IntStream.range(0, labels.outputs()).mapToObj(labels::name).toList();
    }

    /**
     * The tags of the words of a text, as many as words.
     *
     * @throws BadInputException if a word is empty or has white space in it
     * @throws WrongUseException if it is closed
     */
    public List<String> tags(List<String> words) {
        for (String word : words) {
            if (word.isBlank() || word.chars().anyMatch(Character::isWhitespace)) {
                throw new BadInputException("words were to be tagged, and \"" + word
                        + "\" is none: words have no white space. Split the text at its white space.");
            }
        }
        return tagged(words).stream().map(t -> t.tag).toList();
    }

    private record Tagged(String tag, double probability) {}

    private List<Tagged> tagged(List<String> words) {
        reader.requireOpen(DONE);
        if (words.isEmpty()) {
            return List.of();
        }
        TagEncoder.Words encoded = encoder.encode(words);
        double[][] rows = reader.outputs(List.of(PackedBatch.Sequence.of(encoded.ids())), DONE)
                .get(0);
        List<Tagged> tags = new ArrayList<>();
        words.forEach(w -> tags.add(new Tagged(NOT_READ, 0)));
        for (int i = 0; i < rows.length; i++) {
            if (encoded.words()[i] >= 0) {
                double[] p = Probabilities.softmax(rows[i]);
                int best = Probabilities.best(p);
                tags.set(encoded.words()[i], new Tagged(labels.name(best), p[best]));
            }
        }
        return tags;
    }

    /** The entities of a text, whose words are sequences of letters and digits, and single other characters. */
    public List<Entity> entities(String text) {
        List<String> words = new ArrayList<>();
        List<int[]> places = new ArrayList<>();
        Matcher m = WORD.matcher(text);
        while (m.find()) {
            words.add(m.group());
            places.add(new int[] {m.start(), m.end()});
        }
        List<Tagged> tags = tagged(words);
        List<Entity> entities = new ArrayList<>();
        int at = 0;
        while (at < tags.size()) {
            String type = type(tags.get(at).tag);
            int to = at + 1;
            double probability = tags.get(at).probability;
            while (to < tags.size() && goesOn(tags.get(to).tag, type)) {
                probability = Math.min(probability, tags.get(to++).probability);
            }
            if (!type.isEmpty()) {
                int begin = places.get(at)[0];
                int end = places.get(to - 1)[1];
                entities.add(new Entity(type, text.substring(begin, end), begin, end, probability));
            }
            at = type.isEmpty() ? at + 1 : to;
        }
        return entities;
    }

    private static String type(String tag) {
        return tag.equals(OUTSIDE) || tag.equals(NOT_READ)
                ? ""
                : tag.startsWith("B-") || tag.startsWith("I-") ? tag.substring(2) : tag;
    }

    /** A word of the same entity: tags without B- and I- go on as long as they are the same. */
    private static boolean goesOn(String tag, String type) {
        return !tag.startsWith("B-") && !type.isEmpty() && type(tag).equals(type);
    }

    /** Frees the working memory, and the model if it was opened with it. */
    @Override
    public void close() {
        reader.close();
    }
}
