package dev.peft4j.tests;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import javax.imageio.ImageIO;

/** A folder of small pictures with a folder for each class: red, green or blue ones with noise. */
final class PictureFiles {
    private static final String[] COLOURS = {"red", "green", "blue"};

    private PictureFiles() {}

    /** Writes so many pictures of each class, of several sizes. */
    static Path write(Path directory, int each) throws IOException {
        for (int i = 0; i < COLOURS.length * each; i++) {
            int colour = i % COLOURS.length;
            Path file = directory.resolve(COLOURS[colour] + "/" + i + ".png");
            Files.createDirectories(file.resolveSibling("."));
            ImageIO.write(picture(colour, i), "png", file.toFile());
        }
        return directory;
    }

    /** A picture of which one channel is the brightest. */
    static BufferedImage picture(int colour, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        BufferedImage image = new BufferedImage(16 + seed % 5, 16 + seed % 3, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                int rgb = 0;
                for (int channel = 0; channel < COLOURS.length; channel++) {
                    rgb = rgb << 8 | random.nextInt(120) + (channel == colour ? 130 : 0);
                }
                image.setRGB(x, y, rgb);
            }
        }
        return image;
    }
}
