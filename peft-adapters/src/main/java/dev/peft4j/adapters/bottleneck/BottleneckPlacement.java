package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.error.BadInputException;
import java.util.List;

/**
 * Where bottleneck adapters are, and what they read.
 *
 * @param afterAttention behind (or beside) attention ({@code mh_adapter})
 * @param afterFeedForward behind (or beside) the feed-forward ({@code output_adapter})
 * @param parallel whether it reads the input of the sub-layer instead of its output ({@code is_parallel})
 * @param normBefore whether it reads the output behind the residual connection and its norm ({@code original_ln_before})
 * @param residual what the residual connection around the bottleneck takes ({@code residual_before_ln})
 * @param leaveOut numbers of blocks without one
 */
public record BottleneckPlacement(
        boolean afterAttention,
        boolean afterFeedForward,
        boolean parallel,
        boolean normBefore,
        Residual residual,
        List<Integer> leaveOut) {

    /** What the residual connection around the bottleneck takes, of a sub-layer with output y and residual r. */
    public enum Residual {
        /** y ({@code true}). */
        OUTPUT,
        /** y + r ({@code "post_add"}). */
        SUM,
        /** What the bottleneck reads ({@code false}). */
        INPUT
    }

    /** Checks that there is a place. */
    public BottleneckPlacement {
        leaveOut = List.copyOf(leaveOut);
        if (!afterAttention && !afterFeedForward) {
            throw new BadInputException(
                    "mh_adapter and output_adapter are both off; an adapter has to be somewhere. Turn one on.");
        }
        if (residual == Residual.SUM && (!normBefore || parallel)) {
            throw new BadInputException(
                    "residual_before_ln = \"post_add\" was given with original_ln_before = " + normBefore
                            + " and is_parallel = " + parallel + ". Use true and false, or residual_before_ln = true.");
        }
    }

    static BottleneckPlacement of(boolean afterAttention, boolean parallel, boolean normBefore) {
        return new BottleneckPlacement(afterAttention, true, parallel, normBefore, Residual.OUTPUT, List.of());
    }

    /** Without some blocks. */
    public BottleneckPlacement withLeaveOut(List<Integer> blocks) {
        return new BottleneckPlacement(afterAttention, afterFeedForward, parallel, normBefore, residual, blocks);
    }
}
