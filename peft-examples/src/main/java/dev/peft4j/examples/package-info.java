/** Examples: one file with a {@code main} each, read from top to bottom. */
@NullMarked
package dev.peft4j.examples;

import org.jspecify.annotations.NullMarked;
