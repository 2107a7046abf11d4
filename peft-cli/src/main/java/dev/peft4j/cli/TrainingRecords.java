package dev.peft4j.cli;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.train.KtoObjective;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.chat.Chat;
import dev.peft4j.models.chat.ChatEncoder;
import dev.peft4j.models.chat.ChatReader;
import dev.peft4j.models.chat.ChatTemplate;
import dev.peft4j.models.chat.Preference;
import dev.peft4j.models.chat.PreferenceEncoder;
import dev.peft4j.models.chat.PreferenceReader;
import dev.peft4j.models.chat.Rating;
import dev.peft4j.models.chat.RatingEncoder;
import dev.peft4j.models.chat.RatingReader;
import dev.peft4j.models.data.Classes;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.Split;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What a run trains on and evaluates on, in one of the forms that files have. */
abstract class TrainingRecords {
    private static final double HELD_OUT = 0.1;

    /** Forms of files. */
    enum Form {
        /** Texts, prompts and completions, and what else a record of a task has. */
        RECORDS,
        /** Conversations. */
        CHAT,
        /** Prompts with two answers, by DPO. */
        DPO,
        /** The same, by ORPO. */
        ORPO,
        /** Answers that are rated one by one, by KTO. */
        KTO;

        /** Whether answers are compared or rated. */
        boolean compares() {
            return this == DPO || this == ORPO || this == KTO;
        }

        /** Makes sure that a model can learn from files of this form. */
        void requireFit(ModelInfo info) {
            if (this != RECORDS) {
                info.requireLanguageModel((compares() ? "rated or compared answers" : "conversations")
                        + " were to be learnt (--form " + this + ")");
            }
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** How records become examples. */
    record Use(Model model, ModelInput input, Labels labels, int inFront, PrintWriter out) {
        TextTokenizer tokenizer() {
            return input.tokenizer("texts were to be learnt");
        }
    }

    /** What the labels of records mean. */
    Labels labels(ModelInfo info, int classes, List<Path> adapters) throws IOException {
        return Labels.none();
    }

    /** Lines about the classes. */
    List<String> shares(ModelInfo info, Labels labels) {
        return List.of();
    }

    abstract boolean hasHeldOut();

    /** The held-out records, where they are scored in the terms of a task. */
    List<TextRecord> scored() {
        return List.of();
    }

    /** The examples of one side, with a line that says how many. */
    abstract List<Example> encode(String name, boolean heldOut, Use use) throws IOException;

    /**
     * Texts.
     *
     * @param isDrawn whether both sides are of one file, so that a label may be on either
     */
    static TrainingRecords of(Split split, boolean isDrawn, DataOptions options) {
        return new TrainingRecords() {
            @Override
            Labels labels(ModelInfo info, int classes, List<Path> adapters) throws IOException {
                return Classes.of(info, classes, adapters, isDrawn ? split.all() : split.train());
            }

            @Override
            List<String> shares(ModelInfo info, Labels labels) {
                return Classes.shares(info, labels, split.train());
            }

            @Override
            boolean hasHeldOut() {
                return !split.heldOut().isEmpty();
            }

            @Override
            List<TextRecord> scored() {
                return split.heldOut();
            }

            @Override
            List<Example> encode(String name, boolean heldOut, Use use) {
                List<TextRecord> side = heldOut ? split.heldOut() : split.train();
                return options.encode(name, !heldOut, side, use.labels, use.inFront, use.model, use.input, use.out);
            }
        };
    }

    /** Conversations, preferences or ratings. */
    static TrainingRecords read(Form form, Source source, DataOptions options, AnswerOptions answers)
            throws IOException {
        return switch (form) {
            case CHAT ->
                new Listed<>(source.sides(ChatReader::read, Chat::messages)) {
                    @Override
                    RecordEncoder.Encoded encode(List<Chat> side, Use use) throws IOException {
                        ChatTemplate template = ChatTemplate.open(use.model.directory());
                        return ChatEncoder.forModel(
                                        use.model, template, use.tokenizer(), use.inFront, options.maxLength)
                                .encode(side);
                    }
                };
            case KTO -> {
                Sides<List<Rating>> sides = source.sides(
                        (file, most) -> Rating.byRecord(RatingReader.read(file, most)),
                        r -> List.of(r.get(0).messages(), r.get(0).prompt()));
                int held = sides.heldOut.stream().mapToInt(List::size).sum();
                boolean isAlone = source.evalData == null
                        && source.evalLimit != 1
                        && held < answers.kto().leastBatch();
                yield new Rated(isAlone ? sides.withNoneHeldOut() : sides, answers.kto(), options);
            }
            case DPO, ORPO ->
                new Listed<>(source.sides(PreferenceReader::read, p -> List.of(p.messages(), p.prompt()))) {
                    @Override
                    RecordEncoder.Encoded encode(List<Preference> side, Use use) throws IOException {
                        return PreferenceEncoder.forModel(
                                        use.model, use.tokenizer(), side, use.inFront, options.maxLength)
                                .encode(side);
                    }
                };
            case RECORDS -> throw new AssertionError("records are read with the columns of their files");
        };
    }

    /** Reads the first records of a file. */
    private interface Reader<T> {
        List<T> read(Path file, int limit) throws IOException;
    }

    private record Sides<T>(List<T> train, List<T> heldOut) {
        Sides<T> withNoneHeldOut() {
            List<T> all = new ArrayList<>(train);
            all.addAll(heldOut);
            return new Sides<>(all, List.of());
        }
    }

    /**
     * Where records come from.
     *
     * @param evalData the held-out ones, or null
     * @param limit of records to train on, or 0
     * @param evalLimit of held-out ones, or 0
     * @param seed by which a tenth is drawn to be held out, where there is no file of them; null if nothing is
     */
    record Source(Path data, @Nullable Path evalData, int limit, int evalLimit, @Nullable Long seed) {
        /** All records on one side, in their order. */
        static Source whole(Path data, int limit) {
            return new Source(data, null, limit, 0, null);
        }

        private <T> Sides<T> sides(Reader<T> reader, Function<? super T, ?> prompt) throws IOException {
            List<T> all = new ArrayList<>(reader.read(data, DataOptions.most(limit)));
            if (evalData != null) {
                return new Sides<>(all, reader.read(evalData, DataOptions.most(evalLimit)));
            }
            if (seed == null) {
                return new Sides<>(all, List.of());
            }
            Split.Parts<T> parts = Split.parts(all, prompt, HELD_OUT, seed);
            List<T> heldOut = parts.heldOut();
            return new Sides<>(
                    parts.train(), heldOut.subList(0, Math.min(heldOut.size(), DataOptions.most(evalLimit))));
        }
    }

    private abstract static class Listed<T> extends TrainingRecords {
        private final Sides<T> sides;

        Listed(Sides<T> sides) {
            this.sides = sides;
        }

        abstract RecordEncoder.Encoded encode(List<T> side, Use use) throws IOException;

        @Override
        boolean hasHeldOut() {
            return !sides.heldOut.isEmpty();
        }

        @Override
        List<Example> encode(String name, boolean heldOut, Use use) throws IOException {
            RecordEncoder.Encoded encoded = encode(heldOut ? sides.heldOut : sides.train, use);
            use.out.printf("%s: %,d records%n", name, encoded.examples().size());
            if (encoded.cut() + encoded.dropped() > 0) {
                use.out.printf(
                        "  %,d were too long and were cut; %,d had nothing left to score and were left out%n",
                        encoded.cut(), encoded.dropped());
            }
            return encoded.examples();
        }
    }

    /** Ratings by record. */
    private static final class Rated extends Listed<List<Rating>> {
        private final DataOptions options;
        private final String balance;

        Rated(Sides<List<Rating>> sides, KtoObjective kto, DataOptions options) {
            super(sides);
            this.options = options;
            List<Rating> train = sides.train.stream().flatMap(List::stream).toList();
            long good = train.stream().filter(Rating::isGood).count();
            this.balance = kto.balance(good, train.size() - good);
        }

        @Override
        List<String> shares(ModelInfo info, Labels labels) {
            return List.of(balance);
        }

        @Override
        RecordEncoder.Encoded encode(List<List<Rating>> side, Use use) throws IOException {
            List<Rating> all = side.stream().flatMap(List::stream).toList();
            return RatingEncoder.forModel(use.model, use.tokenizer(), all, use.inFront, options.maxLength)
                    .encode(all);
        }
    }
}
