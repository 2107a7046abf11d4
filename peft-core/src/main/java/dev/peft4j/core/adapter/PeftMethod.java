package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * How one {@code peft_type} turns a config and a model into an {@link Adapter}. Found by {@link java.util.ServiceLoader}, so a method
 * is a jar on the class path.
 */
public interface PeftMethod {
    /** The {@code peft_type} that it handles. */
    String peftType();

    /** The names under which a user can ask for it, with their options; none for a method that is only read from files or used from code. */
    default List<NamedMethod> named() {
        return List.of();
    }

    /**
     * Reads the fields of {@code adapter_config.json}.
     *
     * @throws BadInputException if a field that changes the result is not supported
     */
    PeftConfig read(Map<String, Object> json);

    /**
     * A config whose ranks are those of the tensors of a file, which count more than the config: PEFT saves {@code rank_pattern} in an order in
     * which it may mean other ranks.
     *
     * @param shapes dimensions of the tensors of the file, by their names without {@code base_model.model.}
     */
    default PeftConfig fit(PeftConfig config, ModelSites model, Map<String, List<Long>> shapes) {
        return config;
    }

    /**
     * Makes an adapter for a model, initialised as PEFT does.
     *
     * @param seed of the random numbers
     * @throws BadInputException if the config does not fit the model
     */
    Adapter create(PeftConfig config, ModelSites model, long seed);

    /**
     * Makes an adapter of its parts, and of copies of the modules that are trained whole. If a part fails, nothing of it stays.
     *
     * @param parts adds what the method has to an empty adapter
     */
    static Adapter assemble(
            PeftConfig config, Attachment attachment, ModelSites model, Consumer<LayeredAdapter> parts) {
        LayeredAdapter adapter = new LayeredAdapter(config, model);
        adapter.build(() -> {
            parts.accept(adapter);
            adapter.trainModules(attachment.whole(model));
        });
        return adapter;
    }

    /**
     * Compares what a config asks for with a tensor of a file, before memory is taken for it.
     *
     * @param shapes see {@link #fit}
     * @param tensor its name; one that is missing is no error yet
     * @throws BadInputException if the tensor has other dimensions
     */
    static void requireShape(Map<String, List<Long>> shapes, String tensor, int... asked) {
        List<Long> found = shapes.get(tensor);
        List<Long> wanted = Arrays.stream(asked).mapToObj(n -> (long) n).toList();
        if (found != null && !found.equals(wanted)) {
            throw new BadInputException("asks for a tensor " + tensor + " of the shape " + wanted
                    + ", and the file has one of " + found + ". They do not belong together; get both files again.");
        }
    }

    /** A config as the class that a method needs. */
    static <C extends PeftConfig> C require(Class<C> type, PeftConfig config) {
        if (type.isInstance(config)) {
            return type.cast(config);
        }
        throw new BadInputException("a " + type.getSimpleName() + " was expected, a "
                + config.getClass().getSimpleName() + " was given. Use the config of the method.");
    }
}
