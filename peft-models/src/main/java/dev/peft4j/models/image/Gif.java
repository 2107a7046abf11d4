package dev.peft4j.models.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import java.util.Arrays;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadata;
import org.jspecify.annotations.Nullable;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.Node;

/** The first frame of a GIF file on its screen, which may be larger: what it leaves is of the transparent colour, or of the first one, as in Pillow. */
final class Gif {
    private Gif() {}

    static PictureFile.Header header(ImageReader reader) throws IOException {
        Node screen = node(reader.getStreamMetadata(), "LogicalScreenDescriptor");
        Node frame = node(reader.getImageMetadata(0), "ImageDescriptor");
        int height = Math.max(
                number(screen, "logicalScreenHeight"), number(frame, "imageTopPosition") + reader.getHeight(0));
        int width =
                Math.max(number(screen, "logicalScreenWidth"), number(frame, "imageLeftPosition") + reader.getWidth(0));
        return new PictureFile.Header(height, width);
    }

    static Picture picture(ImageReader reader) throws IOException {
        PictureFile.Header size = header(reader);
        BufferedImage image = reader.read(0);
        Picture frame = Pixels.of(image);
        if (frame.height() == size.height() && frame.width() == size.width()) {
            return frame;
        }
        IIOMetadata told = reader.getImageMetadata(0);
        Node place = node(told, "ImageDescriptor");
        int top = number(place, "imageTopPosition");
        int left = number(place, "imageLeftPosition");
        int rest = image.getColorModel() instanceof IndexColorModel colors ? colors.getRGB(restIndex(told)) : 0;
        byte[] planes = new byte[Math.multiplyExact(3 * size.height(), size.width())];
        int[] row = new int[size.width()];
        Arrays.fill(row, rest);
        for (int y = 0; y < size.height(); y++) {
            Pixels.putRow(planes, size.height(), y, row);
        }
        for (int c = 0; c < 3; c++) {
            for (int y = 0; y < frame.height(); y++) {
                int to = (c * size.height() + top + y) * size.width() + left;
                System.arraycopy(frame.planes(), (c * frame.height() + y) * frame.width(), planes, to, frame.width());
            }
        }
        return new Picture(3, size.height(), size.width(), planes);
    }

    private static int restIndex(IIOMetadata told) {
        Node control = node(told, "GraphicControlExtension");
        boolean transparent = "TRUE".equalsIgnoreCase(text(control, "transparentColorFlag"));
        return transparent ? number(control, "transparentColorIndex") : 0;
    }

    private static @Nullable Node node(IIOMetadata metadata, String name) {
        Node root = metadata.getAsTree(metadata.getNativeMetadataFormatName());
        for (Node n = root.getFirstChild(); n != null; n = n.getNextSibling()) {
            if (name.equals(n.getNodeName())) {
                return n;
            }
        }
        return null;
    }

    private static int number(@Nullable Node node, String name) {
        String text = text(node, name);
        return text.isEmpty() ? 0 : Integer.parseInt(text);
    }

    private static String text(@Nullable Node node, String name) {
        NamedNodeMap attributes = node == null ? null : node.getAttributes();
        Node value = attributes == null ? null : attributes.getNamedItem(name);
        return value == null ? "" : value.getNodeValue();
    }
}
