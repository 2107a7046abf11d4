package dev.peft4j.onednn;

import static dev.peft4j.onednn.Primitives.check;

import dev.peft4j.core.tensor.HostProducts.Format;
import dev.peft4j.core.tensor.HostProducts.WorkingMemory;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Pointer;

/** A compiled product, and the places of its operands, which are set before each run; for one thread. */
final class Primitive implements AutoCloseable {
    private static final int[] ARGUMENTS = {
        dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST, dnnl.DNNL_ARG_SCRATCHPAD
    };

    private final dnnl_primitive primitive = new dnnl_primitive();
    private final dnnl_memory[] operands = new dnnl_memory[ARGUMENTS.length];
    private final dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(ARGUMENTS.length);
    private final Address address = new Address();
    private final long workingBytes;

    private static final class Address extends Pointer {
        Address at(long newAddress) {
            address = newAddress;
            return this;
        }
    }

    Primitive(Primitives.Key key) {
        int type = type(key.format());
        dnnl_memory_desc a = matrix(key.m(), key.k(), type, key.transposeA(), key.strideA());
        dnnl_memory_desc b = matrix(key.k(), key.n(), type, key.transposeB(), key.strideB());
        dnnl_memory_desc c = matrix(
                key.m(), key.n(), key.format() == Format.INT8 ? dnnl.dnnl_s32 : dnnl.dnnl_f32, false, key.strideC());
        dnnl_primitive_attr attributes = attributes(key);
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        check(
                dnnl.dnnl_matmul_primitive_desc_create(description, OneDnn.Engine.HANDLE, a, b, NONE, c, attributes),
                "product " + key);
        check(dnnl.dnnl_primitive_create(primitive, description), "product " + key);
        dnnl_memory_desc working = dnnl.dnnl_primitive_desc_query_md(description, dnnl.dnnl_query_scratchpad_md, 0);
        workingBytes = dnnl.dnnl_memory_desc_get_size(working);
        dnnl_memory_desc[] kinds = {a, b, c, working};
        for (int i = 0; i < kinds.length; i++) {
            operands[i] = new dnnl_memory();
            check(
                    dnnl.dnnl_memory_create(operands[i], kinds[i], OneDnn.Engine.HANDLE, address.at(0)),
                    "operands of the product " + key);
            arguments.position(i).arg(ARGUMENTS[i]).memory(operands[i]);
        }
        arguments.position(0);
        dnnl.dnnl_primitive_desc_destroy(description);
        dnnl.dnnl_primitive_attr_destroy(attributes);
        dnnl.dnnl_memory_desc_destroy(a); // those of the operands and the one that was asked for are others
        dnnl.dnnl_memory_desc_destroy(b);
        dnnl.dnnl_memory_desc_destroy(c);
    }

    private static final dnnl_memory_desc NONE = new dnnl_memory_desc((Pointer) null); // no bias

    /** A matrix of rows and columns as they are multiplied, of which the rows, or the columns, lie one after another. */
    private static dnnl_memory_desc matrix(int rows, int cols, int type, boolean transposed, int stride) {
        dnnl_memory_desc made = new dnnl_memory_desc();
        long[] strides = transposed ? new long[] {1, stride} : new long[] {stride, 1};
        check(
                dnnl.dnnl_memory_desc_create_with_strides(made, 2, new long[] {rows, cols}, type, strides),
                "matrix (" + rows + ", " + cols + ")");
        return made;
    }

    /** {@code alpha · product + c} where that is asked for; working memory is ours. */
    private static dnnl_primitive_attr attributes(Primitives.Key key) {
        dnnl_primitive_attr attributes = new dnnl_primitive_attr();
        check(dnnl.dnnl_primitive_attr_create(attributes), "attributes");
        check(
                dnnl.dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl.dnnl_scratchpad_mode_user),
                "attribute of working memory");
        if (key.alpha() == 1 && key.beta() == 0) {
            return attributes;
        }
        dnnl_post_ops then = new dnnl_post_ops();
        check(dnnl.dnnl_post_ops_create(then), "operations behind");
        if (key.alpha() != 1) {
            check(
                    dnnl.dnnl_post_ops_append_eltwise(then, dnnl.dnnl_eltwise_linear, key.alpha(), 0),
                    "factor " + key.alpha());
        }
        if (key.beta() != 0) {
            check(dnnl.dnnl_post_ops_append_sum(then, key.beta(), 0, dnnl.dnnl_data_type_undef), "sum");
        }
        check(dnnl.dnnl_primitive_attr_set_post_ops(attributes, then), "operations behind");
        dnnl.dnnl_post_ops_destroy(then);
        return attributes;
    }

    private static int type(Format format) {
        return switch (format) {
            case F32 -> dnnl.dnnl_f32;
            case BF16 -> dnnl.dnnl_bf16;
            case INT8 -> dnnl.dnnl_s8;
        };
    }

    /** Bytes of an element of the operands. */
    static int bytes(Format format) {
        return switch (format) {
            case F32 -> Float.BYTES;
            case BF16 -> Short.BYTES;
            case INT8 -> Byte.BYTES;
        };
    }

    void compute(dnnl_stream stream, long a, long b, long c, WorkingMemory memory) {
        set(0, a);
        set(1, b);
        set(2, c);
        if (workingBytes > 0) {
            set(3, memory.address(workingBytes));
        }
        check(dnnl.dnnl_primitive_execute(primitive, stream, ARGUMENTS.length, arguments), "result of a product");
    }

    private void set(int operand, long place) {
        check(dnnl.dnnl_memory_set_data_handle(operands[operand], address.at(place)), "place of an operand");
    }

    @Override
    public void close() {
        dnnl.dnnl_primitive_destroy(primitive);
        for (dnnl_memory operand : operands) {
            dnnl.dnnl_memory_destroy(operand);
        }
        arguments.close();
    }
}
