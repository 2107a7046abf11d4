/** The peft4j command line, its demo and its benchmarks. */
@NullMarked
package dev.peft4j.cli;

import org.jspecify.annotations.NullMarked;
