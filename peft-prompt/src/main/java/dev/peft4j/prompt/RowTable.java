package dev.peft4j.prompt;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/** The rows themselves are trained. */
final class RowTable implements RowSource {
    static final String NAME = "prompt_embeddings";
    private final Parameter rows; // (P, n)

    RowTable(Tensor values) {
        rows = new Parameter(NAME, values, values.rows(), values.cols());
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(rows);
    }

    @Override
    public Node rows(Pass pass) {
        return pass.node(rows);
    }
}
