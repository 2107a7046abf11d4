/**
 * Bottleneck adapters behind or beside sub-layers, in the files of AdapterHub: {@link dev.peft4j.adapters.bottleneck.BottleneckConfig} says where and
 * how wide, {@link dev.peft4j.adapters.bottleneck.BottleneckLayer} is the math.
 *
 * <p>Shapes: T tokens, C hidden size, D bottleneck.
 */
@NullMarked
package dev.peft4j.adapters.bottleneck;

import org.jspecify.annotations.NullMarked;
