package dev.peft4j.prompt;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import java.util.List;

/** Makes the rows (P, n) that an adapter puts in front. */
interface RowSource {
    /** What is trained. */
    List<Parameter> parameters();

    /** The rows (P, n). */
    Node rows(Pass pass);
}
