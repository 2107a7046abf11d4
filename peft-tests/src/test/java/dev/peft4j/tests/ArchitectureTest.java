package dev.peft4j.tests;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/** The arrows between modules and packages. */
@AnalyzeClasses(packages = "dev.peft4j", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule core_knows_no_other_module = noClasses()
            .that()
            .resideInAPackage("dev.peft4j.core..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.peft4j.models..",
                    "dev.peft4j.lora..",
                    "dev.peft4j.adapters..",
                    "dev.peft4j.prompt..",
                    "dev.peft4j.cli..");

    @ArchTest
    static final ArchRule only_the_hub_touches_the_network = noClasses()
            .that()
            .resideOutsideOfPackage("dev.peft4j.models.hub")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("java.net.http..", "javax.net..")
            .orShould()
            .dependOnClassesThat()
            .haveNameMatching("java\\.net\\.(Socket|ServerSocket|DatagramSocket|HttpURLConnection|InetSocketAddress)");

    @ArchTest
    static final ArchRule models_know_no_methods = noClasses()
            .that()
            .resideInAPackage("dev.peft4j.models..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.peft4j.lora..", "dev.peft4j.adapters..", "dev.peft4j.prompt..", "dev.peft4j.cli..");

    @ArchTest
    static final ArchRule lora_knows_no_models_and_no_other_methods = noClasses()
            .that()
            .resideInAPackage("dev.peft4j.lora..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.peft4j.models..", "dev.peft4j.adapters..", "dev.peft4j.prompt..", "dev.peft4j.cli..");

    @ArchTest
    static final ArchRule adapters_knows_no_models_and_no_other_methods = noClasses()
            .that()
            .resideInAPackage("dev.peft4j.adapters..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.peft4j.models..", "dev.peft4j.lora..", "dev.peft4j.prompt..", "dev.peft4j.cli..");

    @ArchTest
    static final ArchRule prompt_knows_no_models_and_no_other_methods = noClasses()
            .that()
            .resideInAPackage("dev.peft4j.prompt..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.peft4j.models..", "dev.peft4j.lora..", "dev.peft4j.adapters..", "dev.peft4j.cli..");

    @ArchTest
    static final ArchRule parquet_knows_records_and_nobody_knows_it = classes()
            .that()
            .resideInAPackage("dev.peft4j.parquet")
            .should()
            .onlyHaveDependentClassesThat()
            .resideInAPackage("dev.peft4j.parquet")
            .andShould()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "dev.peft4j.parquet",
                    "dev.peft4j.models.data",
                    "dev.peft4j.core.error",
                    "io.airlift.compress..",
                    "org.jspecify..",
                    "java..");

    @ArchTest
    static final ArchRule onednn_knows_the_tensor_package_and_nobody_knows_it = classes()
            .that()
            .resideInAPackage("dev.peft4j.onednn")
            .should()
            .onlyHaveDependentClassesThat()
            .resideInAPackage("dev.peft4j.onednn")
            .andShould()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "dev.peft4j.onednn",
                    "dev.peft4j.core.tensor",
                    "dev.peft4j.core.error",
                    "org.bytedeco.dnnl..",
                    "org.bytedeco.javacpp..",
                    "com.sun.jna..",
                    "org.jspecify..",
                    "java..");

    @ArchTest
    static final ArchRule the_short_api_is_known_to_applications_only = noClasses()
            .that()
            .resideInAnyPackage(
                    "dev.peft4j.core..",
                    "dev.peft4j.models..",
                    "dev.peft4j.lora..",
                    "dev.peft4j.adapters..",
                    "dev.peft4j.prompt..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.peft4j", "dev.peft4j.run..");

    @ArchTest
    static final ArchRule the_short_api_knows_no_method = noClasses()
            .that()
            .resideInAnyPackage("dev.peft4j", "dev.peft4j.run..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.peft4j.lora..", "dev.peft4j.adapters..", "dev.peft4j.prompt..", "dev.peft4j.cli..");

    /** The packages of core, each above all that stand in front of it: it may know those, and none behind it. */
    private static final List<String> CORE = List.of(
            "error",
            "tensor",
            "autograd",
            "format",
            "weight",
            "site",
            "adapter",
            "data",
            "layer",
            "model",
            "compose",
            "train");

    @ArchTest
    static void packages_of_core_know_those_below_them_only(JavaClasses classes) {
        for (int i = 0; i < CORE.size(); i++) {
            String[] above = CORE.subList(i + 1, CORE.size()).stream()
                    .map(p -> "dev.peft4j.core." + p)
                    .toArray(String[]::new);
            noClasses()
                    .that()
                    .resideInAPackage("dev.peft4j.core." + CORE.get(i))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(above)
                    .check(classes);
        }
    }

    @ArchTest
    static final ArchRule every_package_of_core_has_its_place = classes()
            .that()
            .resideInAPackage("dev.peft4j.core..")
            .and()
            .doNotHaveSimpleName("package-info")
            .should()
            .resideInAnyPackage(CORE.stream().map(p -> "dev.peft4j.core." + p).toArray(String[]::new));

    @ArchTest
    static final ArchRule files_know_tensors_and_nothing_of_training = noClasses()
            .that()
            .resideInAPackage("dev.peft4j.core.format")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("dev.peft4j.core.autograd");

    @ArchTest
    static final ArchRule methods_know_no_training_loop_and_no_model = noClasses()
            .that()
            .resideInAnyPackage("dev.peft4j.lora..", "dev.peft4j.adapters..", "dev.peft4j.prompt..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.peft4j.core.data",
                    "dev.peft4j.core.model",
                    "dev.peft4j.core.compose",
                    "dev.peft4j.core.train");

    @ArchTest
    static final ArchRule packages_have_no_cycles =
            slices().matching("dev.peft4j.(*).(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule what_the_library_throws_has_a_type_of_its_own = noClasses()
            .that()
            .resideOutsideOfPackage("dev.peft4j.core.error")
            .should()
            .callConstructorWhere(target(owner(belongToAnyOf(
                    IllegalArgumentException.class,
                    IllegalStateException.class,
                    UnsupportedOperationException.class,
                    ArithmeticException.class,
                    RuntimeException.class,
                    Exception.class))))
            .because("applications tell bad input, bad files and wrong use apart by it");

    @ArchTest
    static final ArchRule only_the_tensor_package_knows_nd4j_and_blas = noClasses()
            .that()
            .resideOutsideOfPackages("dev.peft4j.core.tensor", "dev.peft4j.onednn")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.nd4j..", "org.bytedeco..");

    /** On a device each such call would be a copy of one number between two memories. */
    @ArchTest
    static final ArchRule only_the_tensor_package_goes_over_single_elements = noClasses()
            .that()
            .resideOutsideOfPackage("dev.peft4j.core.tensor")
            .and()
            .doNotHaveFullyQualifiedName("dev.peft4j.core.format.SafetensorsFile") // compares a file with the base
            .and()
            .doNotHaveFullyQualifiedName(
                    "dev.peft4j.lora.LoraFactors") // first values from decompositions in double precision
            .should()
            .callMethod(Tensor.class, "get", int.class, int.class)
            .orShould()
            .callMethod(Tensor.class, "set", int.class, int.class, double.class)
            .because("forward and backward code goes through Kernels, or moves whole rows");

    @ArchTest
    static final ArchRule nothing_uses_the_calls_of_nd4j_that_end_the_process = noClasses()
            .should()
            .callMethodWhere(target(nameMatching("(add|sub|rsub|mul|div|rdiv)i?RowVector")))
            .because("they read memory that the garbage collector may have freed, see Nd4jArrays.repeated");

    @ArchTest
    static final ArchRule only_the_command_line_and_examples_print = noClasses()
            .that()
            .resideOutsideOfPackages("dev.peft4j.cli", "dev.peft4j.examples")
            .should()
            .accessField(System.class, "out")
            .orShould()
            .accessField(System.class, "err");

    @ArchTest
    static final ArchRule no_util_packages =
            noClasses().should().resideInAnyPackage("..util..", "..utils..", "..helper..");
}
