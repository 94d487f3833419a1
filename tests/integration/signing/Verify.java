import java.io.File;
import java.io.FileInputStream;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Verifies the XML signature of each document with what the JDK brings along.
 *
 * <p>Usage: java Verify.java CERTIFICATE DOCUMENT... Prints one line per document: "valid" or
 * "invalid", and the same for each reference.
 */
public final class Verify {
  private static final String XADES = "http://uri.etsi.org/01903/v1.3.2#";

  private Verify() {}

  public static void main(String[] arguments) throws Exception {
    X509Certificate certificate;
    try (FileInputStream stream = new FileInputStream(arguments[0])) {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      certificate = (X509Certificate) factory.generateCertificate(stream);
    }
    for (int index = 1; index < arguments.length; index++) {
      System.out.println(verify(new File(arguments[index]), certificate));
    }
  }

  private static String verify(File file, X509Certificate certificate) throws Exception {
    DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
    builders.setNamespaceAware(true);
    builders.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
    Document document = builders.newDocumentBuilder().parse(file);
    NodeList signatures = document.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature");
    Element signature = (Element) signatures.item(0);
    DOMValidateContext context = new DOMValidateContext(certificate.getPublicKey(), signature);
    context.setIdAttributeNS((Element) signature.getParentNode(), null, "Id");
    NodeList properties = document.getElementsByTagNameNS(XADES, "SignedProperties");
    context.setIdAttributeNS((Element) properties.item(0), null, "Id");
    XMLSignature read = XMLSignatureFactory.getInstance("DOM").unmarshalXMLSignature(context);
    StringBuilder line = new StringBuilder(word(read.validate(context)));
    List<Reference> references = read.getSignedInfo().getReferences();
    for (Reference reference : references) {
      line.append(' ').append(word(reference.validate(context)));
    }
    return line.toString();
  }

  private static String word(boolean valid) {
    return valid ? "valid" : "invalid";
  }
}
