package dev.peft4j.models.data;

import dev.peft4j.core.site.TaskType;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the records of a task are usually called: the keys of which a record has one each.
 *
 * @param tasks that have such records
 * @param prompt keys of the first text; empty for none
 * @param text keys of the text
 * @param label keys of the label; empty for none
 * @param needsLabel whether a record has to have the label
 */
record RecordForm(Set<TaskType> tasks, List<String> prompt, List<String> text, List<String> label, boolean needsLabel) {
    private static final List<String> LABEL = List.of("label", "labels");
    private static final List<String> TAGS = List.of("tags", "ner_tags", "labels");

    /** In the order of preference, where a file has as much of several. */
    private static final List<RecordForm> ALL = List.of(
            labelled(TaskType.TOKEN_CLS, List.of(), List.of("tokens", "words"), TAGS),
            labelled(TaskType.TOKEN_CLS, List.of(), List.of("text"), TAGS),
            labelled(
                    TaskType.QUESTION_ANS,
                    List.of("question", "prompt"),
                    List.of("context", "text"),
                    List.of("answers", "answer")),
            labelled(
                    TaskType.SEQ_CLS,
                    List.of("prompt", "premise", "question", "sentence1", "text1"),
                    List.of("text", "hypothesis", "sentence2", "text2"),
                    LABEL),
            labelled(TaskType.SEQ_CLS, List.of(), List.of("text"), LABEL),
            new RecordForm(
                    EnumSet.of(TaskType.FEATURE_EXTRACTION),
                    List.of("anchor", "query", "prompt"),
                    List.of("positive", "text"),
                    List.of(),
                    false),
            new RecordForm(EnumSet.allOf(TaskType.class), List.of("prompt"), List.of("completion"), LABEL, false),
            new RecordForm(
                    EnumSet.of(TaskType.CAUSAL_LM, TaskType.MASKED_LM), List.of(), List.of("text"), LABEL, false));

    /** Of files that name images; they are no texts, so such a file is looked at only where images are asked for. */
    private static final List<RecordForm> IMAGES = List.of(labelled(
            TaskType.IMAGE_CLS,
            List.of(),
            List.of("image", "path", "file_name", "file", "image_path"),
            List.of("label", "class")));

    private static RecordForm labelled(TaskType task, List<String> prompt, List<String> text, List<String> label) {
        return new RecordForm(EnumSet.of(task), prompt, text, label, true);
    }

    /** The forms of a task; all if it is not known. */
    static List<RecordForm> of(@Nullable TaskType task) {
        if (task == TaskType.IMAGE_CLS) {
            return IMAGES;
        }
        return ALL.stream().filter(f -> task == null || f.tasks.contains(task)).toList();
    }

    /** With the keys that were named; an empty name leaves the usual ones. */
    RecordForm named(String promptKey, String textKey, String labelKey) {
        return new RecordForm(
                tasks,
                promptKey.isEmpty() ? prompt : List.of(promptKey),
                textKey.isEmpty() ? text : List.of(textKey),
                labelKey.isEmpty() ? label : List.of(labelKey),
                needsLabel || !labelKey.isEmpty());
    }

    /** Whether all records of its task are two texts, so that the first is looked for where only the other one was named. */
    boolean isAlwaysOfTwo() {
        return tasks.equals(EnumSet.of(TaskType.QUESTION_ANS)) || tasks.equals(EnumSet.of(TaskType.FEATURE_EXTRACTION));
    }

    /** Whether records of every task may have this form, which is that of a language model. */
    boolean isOfAll() {
        return tasks.size() == TaskType.values().length;
    }

    /** Whether this is one of the usual keys. */
    boolean has(String key) {
        return prompt.contains(key) || text.contains(key) || label.contains(key);
    }

    /** What a record has of some keys, in the order in which they are preferred. */
    private static List<String> found(List<String> keys, List<String> names) {
        return keys.stream().filter(names::contains).toList();
    }

    /** How many texts and labels a record has of this form; 0 if it lacks one that is needed. */
    int fit(List<String> names) {
        boolean hasPrompt = !found(prompt, names).isEmpty();
        boolean hasLabel = !found(label, names).isEmpty();
        if (found(text, names).isEmpty() || (!prompt.isEmpty() && !hasPrompt) || (needsLabel && !hasLabel)) {
            return 0;
        }
        return 1 + (hasPrompt ? 1 : 0) + (hasLabel ? 1 : 0);
    }

    /** Keys of which a record has two where it should have one; empty if it is clear what it has. */
    List<String> doubled(List<String> names) {
        return Stream.of(prompt, text, needsLabel ? label : List.<String>of())
                .map(keys -> found(keys, names))
                .filter(keys -> keys.size() > 1)
                .findFirst()
                .orElse(List.of());
    }

    /** The keys of a record that fits. */
    RecordReader.Columns columns(List<String> names) {
        return new RecordReader.Columns(first(prompt, names), first(text, names), first(label, names));
    }

    private static String first(List<String> keys, List<String> names) {
        return keys.stream().filter(names::contains).findFirst().orElse("");
    }

    /** The keys, for messages: {@code question|prompt, context|text, answers|answer}. */
    @Override
    public String toString() {
        return Stream.of(prompt, text, needsLabel ? label : List.<String>of())
                .filter(keys -> !keys.isEmpty())
                .map(keys -> String.join("|", keys))
                .collect(Collectors.joining(", "));
    }
}
