/** OFT: orthogonal rotations of the input of a layer. */
@NullMarked
package dev.peft4j.lora.oft;

import org.jspecify.annotations.NullMarked;
