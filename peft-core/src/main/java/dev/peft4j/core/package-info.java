/** The library without methods and models: tensors, autograd, layers, the adapter contract, files and training. */
@NullMarked
package dev.peft4j.core;

import org.jspecify.annotations.NullMarked;
