package dev.peft4j.models.hub;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.models.ModelFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Which files of a repository are used: those that this library reads. Of a model that is there in one file and in shards, the one file,
 * as in transformers; of shards those that the index names, so that other copies of the weights ({@code consolidated.safetensors}) are left out.
 *
 * @param settings of model, tokenizer and adapter, and the index of shards
 * @param weights as far as they are known without the index
 * @param isSharded whether the index names more
 */
record Selection(List<String> settings, List<String> weights, boolean isSharded) {
    static final String INDEX = "model.safetensors.index.json";
    private static final String MODEL = "model.safetensors";
    private static final String ADAPTER = "adapter_model.safetensors";
    private static final String ADAPTER_CONFIG = "adapter_config.json";
    private static final String CONFIG = "config.json";
    private static final List<String> SETTINGS = Stream.concat(
                    Stream.of(CONFIG, ADAPTER_CONFIG), ModelFiles.names().stream())
            .toList();

    /** Chooses among the files that are there. */
    static Selection of(Predicate<String> isThere) {
        List<String> settings =
                new ArrayList<>(SETTINGS.stream().filter(isThere).toList());
        List<String> weights = new ArrayList<>();
        boolean single = isThere.test(MODEL);
        boolean sharded = !single && isThere.test(INDEX);
        if (sharded) {
            settings.add(INDEX);
        }
        if (single) {
            weights.add(MODEL);
        }
        if (isThere.test(ADAPTER_CONFIG) && isThere.test(ADAPTER)) {
            weights.add(ADAPTER);
        }
        return new Selection(settings, weights, sharded);
    }

    /** More settings, which those that have come name: files of the repository. */
    List<String> named(Path snapshot, Predicate<String> isThere) throws IOException {
        return ModelFiles.of(snapshot).stream()
                .filter(name -> !settings.contains(name) && isThere.test(name))
                .toList();
    }

    /** Whether there is nothing that could be loaded. */
    boolean isEmpty() {
        return weights.isEmpty() && !isSharded;
    }

    /** Whether there is what says how the weights are to be read. */
    boolean hasConfig() {
        return settings.contains(CONFIG) || settings.contains(ADAPTER_CONFIG);
    }

    /**
     * The shards that an index names.
     *
     * @param index file on the disk
     * @param names files of the repository
     * @throws BadFileException if the index is damaged, or names one that the repository does not have
     */
    static Set<String> shards(Path index, Collection<String> names) throws IOException {
        if (!(Json.read(index).get("weight_map") instanceof Map<?, ?> weightMap)) {
            throw new BadFileException(
                    index,
                    "the object \"weight_map\" was expected and is not there. Use another repository or revision.");
        }
        Set<String> shards = new LinkedHashSet<>();
        for (Object value : weightMap.values()) {
            String shard = String.valueOf(value);
            if (!shard.endsWith(".safetensors") || !RemoteFile.isBlob(shard) || !names.contains(shard)) {
                throw new BadFileException(
                        index,
                        "the shard \"" + HubException.shown(shard)
                                + "\" is named and is no file of the repository. Use another repository or revision.");
            }
            shards.add(shard);
        }
        return shards;
    }
}
