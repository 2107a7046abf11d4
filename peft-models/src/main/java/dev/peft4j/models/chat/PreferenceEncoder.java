package dev.peft4j.models.chat;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.RecordEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns preferences into pairs of labelled token sequences: the prompt with the chosen answer, and with the rejected one, each scored on the answer and the mark that
 * ends it. Messages are rendered by the chat template; a prompt that is a text is continued as a language model does.
 *
 * @param template of the model, or null for prompts that are texts
 * @param tokenizer of the model
 * @param maxLength longer sequences are cut to this many tokens
 */
public record PreferenceEncoder(@Nullable ChatTemplate template, TextTokenizer tokenizer, int maxLength) {
    /**
     * Encodes preferences.
     *
     * @throws BadInputException with the place of a preference, if it has messages and there is no template, or the template refuses them; if nothing is left to
     *     train on
     */
    public RecordEncoder.Encoded encode(List<Preference> preferences) {
        List<Example> examples = new ArrayList<>();
        int cut = 0;
        int dropped = 0;
        for (Preference p : preferences) {
            StoppedException.ifInterrupted(() -> preferences.size() + " preferences were to be turned into tokens");
            PackedBatch.Sequence chosen = sequence(p, p.chosen());
            PackedBatch.Sequence rejected = sequence(p, p.rejected());
            cut += Math.max(chosen.length(), rejected.length()) > maxLength ? 1 : 0;
            PackedBatch.Choice choice = new PackedBatch.Choice(shortened(chosen), shortened(rejected));
            if (hasAnswer(choice.chosen()) && hasAnswer(choice.rejected())) {
                examples.add(choice);
            } else {
                dropped++;
            }
        }
        if (examples.isEmpty()) {
            throw new BadInputException("none of " + preferences.size() + " preferences has both answers within "
                    + maxLength + " tokens. Shorten the prompts, or raise the greatest length.");
        }
        return new RecordEncoder.Encoded(examples, cut, dropped);
    }

    private PackedBatch.Sequence sequence(Preference p, String answer) {
        if (!p.isChat()) {
            TextTokenizer.Example e = tokenizer.encodeExample(p.prompt(), answer, maxLength + 1);
            int[] labels = e.ids().clone();
            Arrays.fill(labels, 0, e.promptLength(), Targets.IGNORE);
            return PackedBatch.Sequence.labelled(e.ids(), labels);
        }
        if (template == null) {
            throw new BadInputException(p.place() + (p.place().isEmpty() ? "" : ": ")
                    + "the preference has messages, and the model has no chat template. Give the prompt as a text, or add"
                    + " chat_template to tokenizer_config.json.");
        }
        List<ChatMessage> messages = new ArrayList<>(p.messages());
        messages.add(ChatMessage.assistant(answer));
        PackedBatch.Sequence whole =
                new ChatEncoder(template, tokenizer, maxLength).encode(new Chat(messages, p.place()));
        return PackedBatch.Sequence.labelled(whole.ids(), ofLastAnswer(labels(whole)));
    }

    /** Answers of earlier turns belong to the prompt. */
    private static int[] ofLastAnswer(int[] labels) {
        int end = labels.length;
        while (end > 0 && labels[end - 1] == Targets.IGNORE) {
            end--;
        }
        int begin = end;
        while (begin > 0 && labels[begin - 1] != Targets.IGNORE) {
            begin--;
        }
        int[] last = labels.clone();
        Arrays.fill(last, 0, begin, Targets.IGNORE);
        return last;
    }

    private static int[] labels(PackedBatch.Sequence s) {
        return ((Targets.PerToken) s.targets()).labels();
    }

    private static boolean hasAnswer(PackedBatch.Sequence s) {
        return Arrays.stream(labels(s)).skip(1).anyMatch(label -> label != Targets.IGNORE);
    }

    private PackedBatch.Sequence shortened(PackedBatch.Sequence s) {
        return s.length() <= maxLength
                ? s
                : PackedBatch.Sequence.labelled(Arrays.copyOf(s.ids(), maxLength), Arrays.copyOf(labels(s), maxLength));
    }
}
