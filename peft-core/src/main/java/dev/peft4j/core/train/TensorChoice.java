package dev.peft4j.core.train;

import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/** Which base tensors are trained. Running statistics of norms are never among them. Its text is what {@link Strategy#parse} reads. */
public sealed interface TensorChoice {
    /**
     * The tensors of a model, in the order of the forward pass.
     *
     * @throws BadInputException if there are none, or the model does not have what is asked for
     */
    Set<String> tensors(ModelSites model);

    /** All of them. */
    record All() implements TensorChoice {
        @Override
        public Set<String> tensors(ModelSites model) {
            return some(model, this, t -> true, "It has none that can be trained.");
        }

        @Override
        public String toString() {
            return "full";
        }
    }

    /** The modules of the task, with all layers that are new; the output layer of a language model, unless it is tied to the embedding. */
    record Head() implements TensorChoice {
        @Override
        public Set<String> tensors(ModelSites model) {
            Parts parts = new Parts(model);
            return some(
                    model,
                    this,
                    parts::isHead,
                    "It has no head of a task, or one that is tied to the embedding. Choose last:1 or full, or open"
                            + " it for another task.");
        }

        @Override
        public String toString() {
            return "head";
        }
    }

    /**
     * The last blocks, what is behind them, and the head.
     *
     * @param blocks at least 1
     */
    record Last(int blocks) implements TensorChoice {
        /** Checks the number. */
        public Last {
            if (blocks < 1) {
                throw new BadInputException("last:" + blocks
                        + " was asked for; the number of blocks is at least 1. Choose head to train none of them.");
            }
        }

        @Override
        public Set<String> tensors(ModelSites model) {
            Parts parts = new Parts(model);
            if (blocks > parts.blocks()) {
                throw new BadInputException(
                        this + " was asked for; this " + model.modelType() + " model has " + parts.blocks()
                                + " blocks. Choose at most as many, or full for what is in front of them too.");
            }
            return some(model, this, t -> parts.distance(t) <= blocks, "");
        }

        @Override
        public String toString() {
            return "last:" + blocks;
        }
    }

    /** Weights and biases of all norms. */
    record Norms() implements TensorChoice {
        @Override
        public Set<String> tensors(ModelSites model) {
            Set<String> names =
                    model.normSites().stream().map(s -> s.name() + ".").collect(Collectors.toSet());
            return some(
                    model,
                    this,
                    t -> names.contains(t.substring(0, t.lastIndexOf('.') + 1)),
                    "It has no norms. Choose others.");
        }

        @Override
        public String toString() {
            return "norms";
        }
    }

    /** All biases, those of norms too. */
    record Biases() implements TensorChoice {
        @Override
        public Set<String> tensors(ModelSites model) {
            return some(
                    model,
                    this,
                    t -> t.endsWith(".bias") && model.shape(t).length == 1,
                    "It has no biases. Choose norms, or others.");
        }

        @Override
        public String toString() {
            return "biases";
        }
    }

    /**
     * Tensors in whose names something is found.
     *
     * @param regex a regular expression of Java
     */
    record Named(String regex) implements TensorChoice {
        /** Checks the expression. */
        public Named {
            try {
                Pattern.compile(regex);
            } catch (PatternSyntaxException e) {
                throw new BadInputException(
                        "pattern:" + regex + " was asked for, which is no regular expression: " + e.getDescription()
                                + ". Correct it; one with + @ > or a comma in it stands between slashes.",
                        e);
            }
            if (regex.isEmpty() || regex.indexOf('/') >= 0) {
                throw new BadInputException("pattern:" + regex
                        + " was asked for; an expression has a letter at least, and no / as no name of a tensor has"
                        + " one. Correct it.");
            }
        }

        @Override
        public Set<String> tensors(ModelSites model) {
            Pattern pattern = Pattern.compile(regex);
            Set<String> words = new TreeSet<>();
            model.tensorNames().forEach(t -> words.addAll(Arrays.asList(t.split("\\."))));
            words.removeIf(w -> w.chars().allMatch(Character::isDigit));
            return some(
                    model,
                    this,
                    t -> NamePattern.isFound(pattern, t),
                    "None of the names matches." + TargetModules.suggestion(regex, words)
                            + " peft4j inspect lists the names.");
        }

        /** Between slashes where it has a character that means something in the text of a strategy. */
        @Override
        public String toString() {
            boolean plain = regex.chars().noneMatch(c -> "+@>,".indexOf(c) >= 0);
            return "pattern:" + (plain ? regex : "/" + regex + "/");
        }
    }

    /**
     * What any of several choices means.
     *
     * @param parts at least two
     */
    record Sum(List<TensorChoice> parts) implements TensorChoice {
        /** Copies the list. */
        public Sum {
            parts = List.copyOf(parts);
            for (TensorChoice part : parts) {
                if (part instanceof Gradual || part instanceof Statistics || part instanceof Sum) {
                    throw new BadInputException(part + " was asked for together with others in one stage; it stands"
                            + " alone. Leave the others out, or put them into another stage.");
                }
            }
        }

        @Override
        public Set<String> tensors(ModelSites model) {
            Set<String> all = new LinkedHashSet<>();
            parts.forEach(p -> all.addAll(p.tensors(model)));
            return all;
        }

        @Override
        public String toString() {
            return parts.stream().map(TensorChoice::toString).collect(Collectors.joining("+"));
        }
    }

    /**
     * One block more from time to time: the head, the last block too, and so on from the top; then all.
     *
     * <p>Howard and Ruder 2018, <a href="https://arxiv.org/abs/1801.06146">paper</a>, section 3.3.
     *
     * @param epochs before the next block is trained too
     */
    record Gradual(double epochs) implements TensorChoice {
        /** Checks the number. */
        public Gradual {
            if (!(epochs > 0 && Double.isFinite(epochs))) {
                throw new BadInputException("gradual:" + Stage.number(epochs)
                        + " was asked for; the epochs of a block are above 0. Change the number.");
            }
        }

        @Override
        public Set<String> tensors(ModelSites model) {
            return new All().tensors(model);
        }

        /** What is trained in turn. */
        List<TensorChoice> steps(ModelSites model) {
            int blocks = model.blocks().size();
            List<TensorChoice> all = new ArrayList<>();
            if (!Parts.head(model).isEmpty()) {
                all.add(new Head());
            }
            for (int b = 1; b <= blocks; b++) {
                all.add(new Last(b));
            }
            all.add(new All());
            return all;
        }

        @Override
        public String toString() {
            return epochs == 1 ? "gradual" : "gradual:" + Stage.number(epochs);
        }
    }

    /**
     * Nothing: the running statistics of norms of channels are renewed as the mean of those of all batches.
     *
     * <p>Li et al. 2016 (AdaBN), <a href="https://arxiv.org/abs/1603.04779">paper</a>, section 3.2.
     */
    record Statistics() implements TensorChoice {
        @Override
        public Set<String> tensors(ModelSites model) {
            return Set.of();
        }

        @Override
        public String toString() {
            return "bn-stats";
        }
    }

    private static Set<String> some(ModelSites model, TensorChoice choice, Predicate<String> condition, String why) {
        Set<String> statistics = model.statistics();
        Set<String> found = new LinkedHashSet<>();
        for (String t : model.tensorNames()) {
            if (!statistics.contains(t) && condition.test(t)) {
                found.add(t);
            }
        }
        if (found.isEmpty()) {
            throw new BadInputException("the strategy " + choice + " was asked for, which trains nothing of this "
                    + model.modelType() + " model with " + model.tensorNames().size() + " tensors. " + why);
        }
        return found;
    }
}
