package dev.peft4j.core.train;

import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The parts of a model in the order of the forward pass: what is in front of the blocks, the blocks, what is behind them, and the head. Tensors are read in
 * that order, so what stands between the first tensors of two blocks belongs to the first of them.
 */
final class Parts {
    private static final int HEAD = -1;

    private final List<String> blocks;
    private final Map<String, Integer> parts =
            new LinkedHashMap<>(); // HEAD, 0 behind, 1 for the last block, B + 1 in front

    Parts(ModelSites model) {
        blocks = model.blocks();
        Set<String> tables = new LinkedHashSet<>();
        for (EmbeddingSite site : model.embeddingSites()) {
            tables.add(site.name() + ".weight");
        }
        List<String> head = head(model);
        String list = blocks.isEmpty() ? "" : withoutNumber(blocks.get(blocks.size() - 1));
        int entered = -1;
        for (String tensor : model.tensorNames()) {
            int own = block(tensor);
            entered = Math.max(entered, own);
            boolean inList = !list.isEmpty() && tensor.startsWith(list);
            int part;
            if (head.stream().anyMatch(m -> tensor.startsWith(m + "."))) {
                part = HEAD;
            } else if (own >= 0) {
                part = blocks.size() - own;
            } else if (tables.contains(tensor) || entered < 0) {
                part = blocks.size() + 1;
            } else if (entered < blocks.size() - 1 || inList) {
                part = blocks.size() - entered;
            } else {
                part = 0;
            }
            parts.put(tensor, part);
        }
    }

    /** {@code encoder.layer.} of {@code encoder.layer.5}. */
    private static String withoutNumber(String block) {
        return block.substring(0, block.lastIndexOf('.') + 1);
    }

    /** The number of the block that a tensor is in by its name, or -1. */
    private int block(String tensor) {
        for (int b = 0; b < blocks.size(); b++) {
            if (tensor.startsWith(blocks.get(b) + ".")) {
                return b;
            }
        }
        return -1;
    }

    /** The modules of the task; of a model that has none the output layers, unless they are tied to an embedding. */
    static List<String> head(ModelSites model) {
        Set<String> modules = new LinkedHashSet<>(model.taskModules());
        modules.addAll(model.newModules());
        if (modules.isEmpty()) {
            model.linearSites().stream()
                    .filter(LinearSite::head)
                    .filter(s -> !model.isTied(s))
                    .forEach(s -> modules.add(s.name()));
        }
        return new ArrayList<>(modules);
    }

    /** Number of blocks. */
    int blocks() {
        return blocks.size();
    }

    /** Whether a tensor is in the head. */
    boolean isHead(String tensor) {
        return part(tensor) == HEAD;
    }

    /** How far a tensor is from the output: 0 behind the blocks and in the head, 1 in the last block, one more than blocks in front of them. */
    int distance(String tensor) {
        return Math.max(0, part(tensor));
    }

    /** A number of the part that a tensor is in, the same for all tensors of the part. */
    int part(String tensor) {
        return parts.getOrDefault(tensor, blocks.size() + 1);
    }
}
