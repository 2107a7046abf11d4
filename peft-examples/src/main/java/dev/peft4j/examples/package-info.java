/** The peft4j command line, runnable examples and benchmarks. */
@NullMarked
package dev.peft4j.examples;

import org.jspecify.annotations.NullMarked;
