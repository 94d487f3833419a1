import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import javax.xml.crypto.Data;
import javax.xml.crypto.OctetStreamData;
import javax.xml.crypto.URIDereferencer;
import javax.xml.crypto.URIReferenceException;
import javax.xml.crypto.dom.DOMStructure;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.SignedInfo;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLObject;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.crypto.dsig.keyinfo.KeyInfo;
import javax.xml.crypto.dsig.keyinfo.KeyInfoFactory;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Verifies and makes XML signatures with what the JDK brings along.
 *
 * <p>Usage: Interop verify|sign LIST. Each line of LIST is one job, its parts apart by tabs; "-" is
 * nothing. One line is printed for each: "valid", "invalid", "signed", or why not.
 *
 * <p>verify: certificate, document, name of the file beside it, that file.
 *
 * <p>sign: certificate, key (PKCS#8, DER), signature method, digest method, document, name of the
 * file beside it, that file, QualifyingProperties, where to write.
 */
public final class Interop {
  private static final String XADES = "http://uri.etsi.org/01903/v1.3.2#";
  private static final String PROPERTIES = "http://uri.etsi.org/01903#SignedProperties";
  private static final XMLSignatureFactory FACTORY = XMLSignatureFactory.getInstance("DOM");

  private Interop() {}

  public static void main(String[] arguments) throws Exception {
    for (String line : Files.readAllLines(Path.of(arguments[1]), StandardCharsets.UTF_8)) {
      String[] job = line.split("\t");
      String result;
      try {
        result = arguments[0].equals("verify") ? verify(job) : sign(job);
      } catch (Exception fault) {
        result = fault.toString().replace('\n', ' ');
      }
      System.out.println(result);
    }
  }

  private static String verify(String[] job) throws Exception {
    Document document = parse(Path.of(job[1]));
    Element signature =
        (Element) document.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature").item(0);
    DOMValidateContext context =
        new DOMValidateContext(certificate(job[0]).getPublicKey(), signature);
    if (signature.getParentNode() instanceof Element) {
      context.setIdAttributeNS((Element) signature.getParentNode(), null, "Id");
    }
    NodeList properties = document.getElementsByTagNameNS(XADES, "SignedProperties");
    if (properties.getLength() == 1) {
      context.setIdAttributeNS((Element) properties.item(0), null, "Id");
    }
    if (!job[2].equals("-")) {
      context.setURIDereferencer(beside(job[2], Path.of(job[3])));
    }
    return FACTORY.unmarshalXMLSignature(context).validate(context) ? "valid" : "invalid";
  }

  private static String sign(String[] job) throws Exception {
    X509Certificate certificate = certificate(job[0]);
    PrivateKey key =
        KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
            .generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(Path.of(job[1]))));
    boolean inside = job[5].equals("-");
    Document document = inside ? parse(Path.of(job[4])) : builder().newDocumentBuilder().newDocument();
    DOMSignContext context =
        inside
            ? new DOMSignContext(key, document.getDocumentElement())
            : new DOMSignContext(key, document);
    context.setDefaultNamespacePrefix("ds");
    List<Reference> references = new ArrayList<>();
    if (inside) {
      context.setIdAttributeNS(document.getDocumentElement(), null, "Id");
      String id = document.getDocumentElement().getAttribute("Id");
      references.add(reference(job[3], "#" + id, null, Transform.ENVELOPED, EXCLUSIVE));
    } else {
      context.setURIDereferencer(beside(job[5], Path.of(job[6])));
      references.add(reference(job[3], job[5], null));
    }
    List<XMLObject> objects = new ArrayList<>();
    String signatureId = null;
    if (!job[7].equals("-")) {
      Element held = (Element) document.importNode(parse(Path.of(job[7])).getDocumentElement(), true);
      Element properties =
          (Element) held.getElementsByTagNameNS(XADES, "SignedProperties").item(0);
      context.setIdAttributeNS(properties, null, "Id");
      signatureId = held.getAttribute("Target").substring(1);
      objects.add(
          FACTORY.newXMLObject(
              Collections.singletonList(new DOMStructure(held)), null, null, null));
      String id = properties.getAttribute("Id");
      references.add(reference(job[3], "#" + id, PROPERTIES, EXCLUSIVE));
    }
    SignedInfo info =
        FACTORY.newSignedInfo(
            FACTORY.newCanonicalizationMethod(EXCLUSIVE, (C14NMethodParameterSpec) null),
            FACTORY.newSignatureMethod(job[2], null),
            references);
    KeyInfoFactory keys = FACTORY.getKeyInfoFactory();
    KeyInfo keyInfo =
        keys.newKeyInfo(
            Collections.singletonList(keys.newX509Data(Collections.singletonList(certificate))));
    FACTORY.newXMLSignature(info, keyInfo, objects, signatureId, null).sign(context);
    try (FileOutputStream out = new FileOutputStream(job[8])) {
      TransformerFactory.newInstance()
          .newTransformer()
          .transform(new DOMSource(document), new StreamResult(out));
    }
    return "signed";
  }

  private static final String EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE;

  private static Reference reference(String digest, String uri, String type, String... names)
      throws Exception {
    List<Transform> transforms = new ArrayList<>();
    for (String name : names) {
      transforms.add(FACTORY.newTransform(name, (TransformParameterSpec) null));
    }
    return FACTORY.newReference(
        uri, FACTORY.newDigestMethod(digest, null), transforms.isEmpty() ? null : transforms, type, null);
  }

  private static URIDereferencer beside(String name, Path file) {
    return (reference, context) -> {
      if (!name.equals(reference.getURI())) {
        return FACTORY.getURIDereferencer().dereference(reference, context);
      }
      try {
        Data data = new OctetStreamData(new ByteArrayInputStream(Files.readAllBytes(file)));
        return data;
      } catch (java.io.IOException fault) {
        throw new URIReferenceException(fault);
      }
    };
  }

  private static DocumentBuilderFactory builder() throws Exception {
    DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
    builders.setNamespaceAware(true);
    builders.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
    return builders;
  }

  private static Document parse(Path file) throws Exception {
    return builder().newDocumentBuilder().parse(new File(file.toString()));
  }

  private static X509Certificate certificate(String file) throws Exception {
    try (FileInputStream stream = new FileInputStream(file)) {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      return (X509Certificate) factory.generateCertificate(stream);
    }
  }
}
