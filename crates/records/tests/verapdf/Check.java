import java.io.FileInputStream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.flavours.PDFAFlavour;

/** Validates files against PDF/A-3a and PDF/UA-1; prints what fails, and ends with the number of failures. */
public class Check {
    public static void main(String[] files) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        int failed = 0;
        for (String id : new String[] {"3a", "ua1"}) {
            PDFAFlavour flavour = PDFAFlavour.byFlavourId(id);
            for (String file : files) {
                try (var parser = Foundries.defaultInstance().createParser(new FileInputStream(file), flavour);
                        var validator = Foundries.defaultInstance().createValidator(flavour, false)) {
                    var result = validator.validate(parser);
                    System.out.println(id + " " + file + " " + (result.isCompliant() ? "holds" : "fails"));
                    if (!result.isCompliant()) {
                        failed++;
                        result.getTestAssertions().stream().limit(5).forEach(one -> System.out.println(
                                one.getRuleId().getClause() + "-" + one.getRuleId().getTestNumber() + " " + one.getMessage()));
                    }
                }
            }
        }
        System.exit(failed);
    }
}
