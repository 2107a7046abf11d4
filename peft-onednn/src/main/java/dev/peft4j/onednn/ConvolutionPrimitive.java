package dev.peft4j.onednn;

import static dev.peft4j.onednn.Primitives.check;

import dev.peft4j.core.tensor.HostConvolutions.Convolution;
import dev.peft4j.core.tensor.HostConvolutions.Kind;
import dev.peft4j.core.tensor.HostProducts.WorkingMemory;
import dev.peft4j.core.tensor.Patches;
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

/** A compiled convolution, or a derivative of one, with the way of its weight into the form that oneDNN chose for it, or out of it; for one thread. */
final class ConvolutionPrimitive implements AutoCloseable {
    private static final dnnl_memory_desc NO_BIAS = new dnnl_memory_desc((Pointer) null);

    private final dnnl_primitive primitive = new dnnl_primitive();
    private final dnnl_primitive reorder = new dnnl_primitive();
    private final dnnl_memory x;
    private final dnnl_memory arranged;
    private final dnnl_memory y;
    private final dnnl_memory working;
    private final dnnl_memory weight;
    private final dnnl_exec_arg_t arguments;
    private final dnnl_exec_arg_t reordered;
    private final long weightBytes;
    private final long workingBytes;
    private final Address address = new Address();

    private static final class Address extends Pointer {
        Address at(long newAddress) {
            address = newAddress;
            return this;
        }
    }

    ConvolutionPrimitive(Convolution c) {
        Patches p = c.patches();
        dnnl_memory_desc pixels = tensor(dnnl.dnnl_nhwc, c.images(), c.in(), p.height(), p.width());
        dnnl_memory_desc results = tensor(dnnl.dnnl_nhwc, c.images(), c.out(), p.outHeight(), p.outWidth());
        dnnl_memory_desc any = tensor(dnnl.dnnl_format_tag_any, c.out(), c.in(), p.kernelHeight(), p.kernelWidth());
        dnnl_memory_desc plain = tensor(dnnl.dnnl_oihw, c.out(), c.in(), p.kernelHeight(), p.kernelWidth());
        dnnl_primitive_desc description = description(c, pixels, any, results);
        check(dnnl.dnnl_primitive_create(primitive, description), "convolution " + c);
        boolean isGradient = c.kind() == Kind.WEIGHT_GRADIENT;
        dnnl_memory_desc form = dnnl.dnnl_primitive_desc_query_md(
                description, isGradient ? dnnl.dnnl_query_diff_weights_md : dnnl.dnnl_query_weights_md, 0);
        dnnl_memory_desc scratch = dnnl.dnnl_primitive_desc_query_md(description, dnnl.dnnl_query_scratchpad_md, 0);
        weightBytes = dnnl.dnnl_memory_desc_get_size(form);
        workingBytes = dnnl.dnnl_memory_desc_get_size(scratch);
        x = memory(pixels);
        arranged = memory(form);
        y = memory(results);
        working = memory(scratch);
        weight = memory(plain);
        makeReorder(isGradient ? form : plain, isGradient ? plain : form, isGradient);
        reordered = arguments(
                new int[] {dnnl.DNNL_ARG_FROM, dnnl.DNNL_ARG_TO},
                isGradient ? arranged : weight,
                isGradient ? weight : arranged);
        arguments = arguments(roles(c.kind()), x, arranged, y, working);
        dnnl.dnnl_primitive_desc_destroy(description);
        for (dnnl_memory_desc d : new dnnl_memory_desc[] {pixels, results, any, plain}) {
            dnnl.dnnl_memory_desc_destroy(d);
        }
    }

    /** What x, the weight, y and working memory are to oneDNN. */
    private static int[] roles(Kind kind) {
        return switch (kind) {
            case RESULT ->
                new int[] {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST, dnnl.DNNL_ARG_SCRATCHPAD};
            case INPUT_GRADIENT ->
                new int[] {
                    dnnl.DNNL_ARG_DIFF_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DIFF_DST, dnnl.DNNL_ARG_SCRATCHPAD
                };
            case WEIGHT_GRADIENT ->
                new int[] {
                    dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_DIFF_WEIGHTS, dnnl.DNNL_ARG_DIFF_DST, dnnl.DNNL_ARG_SCRATCHPAD
                };
        };
    }

    private static dnnl_memory_desc tensor(int format, long... sizes) {
        dnnl_memory_desc made = new dnnl_memory_desc();
        check(
                dnnl.dnnl_memory_desc_create_with_tag(made, sizes.length, sizes, dnnl.dnnl_f32, format),
                "tensor of a convolution");
        return made;
    }

    private dnnl_memory memory(dnnl_memory_desc description) {
        dnnl_memory made = new dnnl_memory();
        check(
                dnnl.dnnl_memory_create(made, description, OneDnn.Engine.HANDLE, address.at(0)),
                "operand of a convolution");
        return made;
    }

    private static dnnl_exec_arg_t arguments(int[] roles, dnnl_memory... memories) {
        dnnl_exec_arg_t made = new dnnl_exec_arg_t(roles.length);
        for (int i = 0; i < roles.length; i++) {
            made.position(i).arg(roles[i]).memory(memories[i]);
        }
        return made.position(0);
    }

    private static dnnl_primitive_desc description(
            Convolution c, dnnl_memory_desc x, dnnl_memory_desc w, dnnl_memory_desc y) {
        Patches p = c.patches();
        long[] strides = {p.strideDown(), p.strideAcross()};
        long[] dense = {0, 0};
        long[] before = {p.top(), p.left()};
        long[] behind = {
            behind(p.outHeight(), p.strideDown(), p.kernelHeight(), p.height(), p.top()),
            behind(p.outWidth(), p.strideAcross(), p.kernelWidth(), p.width(), p.left())
        };
        int direct = dnnl.dnnl_convolution_direct;
        dnnl_primitive_attr attributes = attributes(c.isAdded(), true);
        dnnl_primitive_desc forward = new dnnl_primitive_desc();
        check(
                dnnl.dnnl_convolution_forward_primitive_desc_create(
                        forward,
                        OneDnn.Engine.HANDLE,
                        dnnl.dnnl_forward_training,
                        direct,
                        x,
                        w,
                        NO_BIAS,
                        y,
                        strides,
                        dense,
                        before,
                        behind,
                        c.kind() == Kind.RESULT ? attributes : null),
                "convolution " + c);
        dnnl_primitive_desc made = forward;
        if (c.kind() != Kind.RESULT) {
            made = new dnnl_primitive_desc();
            check(
                    c.kind() == Kind.INPUT_GRADIENT
                            ? dnnl.dnnl_convolution_backward_data_primitive_desc_create(
                                    made,
                                    OneDnn.Engine.HANDLE,
                                    direct,
                                    x,
                                    w,
                                    y,
                                    strides,
                                    dense,
                                    before,
                                    behind,
                                    forward,
                                    attributes)
                            : dnnl.dnnl_convolution_backward_weights_primitive_desc_create(
                                    made,
                                    OneDnn.Engine.HANDLE,
                                    direct,
                                    x,
                                    w,
                                    NO_BIAS,
                                    y,
                                    strides,
                                    dense,
                                    before,
                                    behind,
                                    forward,
                                    attributes),
                    "convolution " + c);
            dnnl.dnnl_primitive_desc_destroy(forward);
        }
        dnnl.dnnl_primitive_attr_destroy(attributes);
        return made;
    }

    /** Rows, or pixels of a row, behind an image that the last patches end in; negative where they leave some over. */
    private static int behind(int out, int stride, int kernel, int size, int before) {
        return (out - 1) * stride + kernel - size - before;
    }

    private static dnnl_primitive_attr attributes(boolean isAdded, boolean ownsScratch) {
        dnnl_primitive_attr attributes = new dnnl_primitive_attr();
        check(dnnl.dnnl_primitive_attr_create(attributes), "attributes");
        if (ownsScratch) {
            check(
                    dnnl.dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl.dnnl_scratchpad_mode_user),
                    "attribute of working memory");
        }
        if (isAdded) {
            dnnl_post_ops then = new dnnl_post_ops();
            check(dnnl.dnnl_post_ops_create(then), "operations behind");
            check(dnnl.dnnl_post_ops_append_sum(then, 1, 0, dnnl.dnnl_data_type_undef), "sum");
            check(dnnl.dnnl_primitive_attr_set_post_ops(attributes, then), "operations behind");
            dnnl.dnnl_post_ops_destroy(then);
        }
        return attributes;
    }

    private void makeReorder(dnnl_memory_desc from, dnnl_memory_desc to, boolean isAdded) {
        dnnl_primitive_attr attributes = attributes(isAdded, false);
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        check(
                dnnl.dnnl_reorder_primitive_desc_create(
                        description, from, OneDnn.Engine.HANDLE, to, OneDnn.Engine.HANDLE, attributes),
                "form of a weight");
        check(dnnl.dnnl_primitive_create(reorder, description), "form of a weight");
        dnnl.dnnl_primitive_desc_destroy(description);
        dnnl.dnnl_primitive_attr_destroy(attributes);
    }

    long weightBytes() {
        return weightBytes;
    }

    /** Brings the weight into its form, or adds it from there. */
    void reorder(dnnl_stream stream, long plain, long form) {
        set(weight, plain);
        set(arranged, form);
        check(dnnl.dnnl_primitive_execute(reorder, stream, 2, reordered), "form of a weight");
    }

    void compute(dnnl_stream stream, long pixels, long form, long results, WorkingMemory memory) {
        set(x, pixels);
        set(arranged, form);
        set(y, results);
        if (workingBytes > 0) {
            set(working, memory.address(workingBytes));
        }
        check(dnnl.dnnl_primitive_execute(primitive, stream, 4, arguments), "result of a convolution");
    }

    private void set(dnnl_memory operand, long place) {
        check(dnnl.dnnl_memory_set_data_handle(operand, address.at(place)), "place of an operand");
    }

    @Override
    public void close() {
        dnnl.dnnl_primitive_destroy(primitive);
        dnnl.dnnl_primitive_destroy(reorder);
        for (dnnl_memory m : new dnnl_memory[] {x, arranged, y, working, weight}) {
            dnnl.dnnl_memory_destroy(m);
        }
        arguments.close();
        reordered.close();
    }
}
