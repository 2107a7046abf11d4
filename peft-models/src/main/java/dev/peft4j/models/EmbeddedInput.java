package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.data.PackedBatch;

/**
 * The embedded tokens with the rows that adapters put in front.
 *
 * @param call for layers over these rows
 * @param batch that has these rows
 * @param rows (T, C)
 */
public record EmbeddedInput(Call call, PackedBatch batch, Node rows) {}
