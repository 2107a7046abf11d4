package dev.peft4j.core.site;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/** What methods see of a model of transformer blocks besides what every model has: rows, keys and values come in front of sequences, and adapters behind sub-layers. */
public interface TransformerSites extends ModelSites {
    /** The blocks: places where keys and values come in, and behind attention and feed-forward, in their order. */
    List<BlockSite> blockSites();

    @Override
    default List<String> blocks() {
        return blockSites().stream().map(BlockSite::name).distinct().toList();
    }

    /** Heads of queries. */
    int attentionHeads();

    /** Heads of keys and values. */
    int keyHeads();

    /** Most tokens of a sequence. */
    int contextLength();

    /**
     * What the base attends to in each layer when it reads one sequence (T, 2 L D): for each layer the keys, with their positions, and then the values. A
     * prefix of these rows stands for the text.
     *
     * @return to be closed by the caller
     */
    Tensor keysAndValues(int... tokens);

    /** Columns of the rows that come in front of tokens: those of the table of tokens, which are C in most models. */
    default int width() {
        return embeddingSites().get(0).width();
    }

    /**
     * A model as one of transformer blocks, which a method needs.
     *
     * @throws BadInputException if it has none
     */
    static TransformerSites require(ModelSites model, String method) {
        if (model instanceof TransformerSites transformer) {
            return transformer;
        }
        throw new BadInputException("the method " + method + " was asked for, which acts in blocks of a transformer;"
                + " this " + model.modelType()
                + " model has none. Methods that act at layers fit it: LORA, LOHA, LOKR, OFT,"
                + " IA3, BITFIT and others.");
    }

    /** What rows of the table of tokens are multiplied with before the first layer reads them. */
    default double embeddingFactor() {
        return 1;
    }
}
