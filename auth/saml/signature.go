package saml

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// What a signature may be made with. SHA-1 is not here, nor any transform that could change what the text means.
var (
	signatureMethods = []string{dsig.RSASHA256SignatureMethod, dsig.RSASHA384SignatureMethod, dsig.RSASHA512SignatureMethod}
	digestMethods    = []string{
		"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512",
	}
	canonicalizations = []string{string(dsig.CanonicalXML10ExclusiveAlgorithmId), string(dsig.CanonicalXML10RecAlgorithmId), string(dsig.CanonicalXML11AlgorithmId)}
)

// SignatureFacts describe one signature, for the doctor.
type SignatureFacts struct {
	Present     bool
	Valid       bool
	Algorithm   string       // signature method
	Digest      string       // digest method
	Certificate *Certificate // with which it was verified, or, where it was not, the one that it carries; nil for none
	Trusted     bool         // whether that certificate is in the identity provider's metadata
}

// verify checks the signature that stands in el, and returns el as the signed bytes have it: read from nothing else.
// facts are filled in as far as it gets, whether it refuses or not.
func verify(el *etree.Element, signers []*x509.Certificate, now time.Time, facts *SignatureFacts) (*etree.Element, *Refusal) {
	signature := only(el, nsSignature, "Signature")
	if signature == nil {
		return nil, refuse(ReasonUnsigned, "no signature in the %s", el.Tag)
	}
	facts.Present = true
	if refusal := checkSignatureShape(signature, attribute(el, "ID")); refusal != nil {
		return nil, refusal
	}
	if refusal := checkAlgorithms(signature, facts); refusal != nil {
		return nil, refusal
	}
	embedded := embeddedCertificate(signature)
	if embedded != nil {
		facts.Certificate, facts.Trusted = described(embedded), slices.ContainsFunc(signers, embedded.Equal)
	}
	var retired *Refusal
	for _, signer := range signers {
		verified, err := validate(el, signer)
		if err != nil {
			continue
		}
		facts.Valid, facts.Trusted, facts.Certificate = true, true, described(signer)
		if retired = checkSigner(signer, now); retired == nil {
			return verified, nil
		} // another certificate may be of the same key, renewed
	}
	if retired != nil {
		return nil, retired
	}
	if embedded != nil && !facts.Trusted && triable(embedded) {
		if _, err := validate(el, embedded); err == nil {
			facts.Valid = true
			return nil, refuse(ReasonOtherKey, "signed with the certificate %s, which the metadata does not have", fingerprint(embedded))
		}
	}
	return nil, refuse(ReasonSignature, "the signature of the %s does not fit its content and any certificate of the metadata", el.Tag)
}

// triable reports whether a key that a stranger chose may be put to work: one of a million bits would keep a processor
// busy for hours.
func triable(c *x509.Certificate) bool {
	public, ok := c.PublicKey.(*rsa.PublicKey)
	return ok && public.N.BitLen() <= maximumRSA
}

func described(c *x509.Certificate) *Certificate {
	d := describe(c, false, true)
	return &d
}

// checkSigner refuses a good signature by a certificate that should not be signing now.
func checkSigner(signer *x509.Certificate, now time.Time) *Refusal {
	if public, ok := signer.PublicKey.(*rsa.PublicKey); !ok || public.N.BitLen() < minimumRSA {
		return refuse(ReasonWeakAlgorithm, "the certificate %s is not of RSA with %d bits", fingerprint(signer), minimumRSA)
	}
	if now.Before(signer.NotBefore) || now.After(signer.NotAfter) {
		return refuse(ReasonCertificate, "the certificate %s is valid from %s to %s", fingerprint(signer),
			signer.NotBefore.UTC().Format(time.RFC3339), signer.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

func checkAlgorithms(signature *etree.Element, facts *SignatureFacts) *Refusal {
	info := only(signature, nsSignature, "SignedInfo")
	reference := only(info, nsSignature, "Reference")
	facts.Algorithm, facts.Digest = algorithmOf(info, "SignatureMethod"), algorithmOf(reference, "DigestMethod")
	if !slices.Contains(signatureMethods, facts.Algorithm) {
		return refuse(ReasonWeakAlgorithm, "signature method %s", quote(facts.Algorithm))
	}
	if !slices.Contains(digestMethods, facts.Digest) {
		return refuse(ReasonWeakAlgorithm, "digest method %s", quote(facts.Digest))
	}
	if method := algorithmOf(info, "CanonicalizationMethod"); !slices.Contains(canonicalizations, method) {
		return refuse(ReasonWeakAlgorithm, "canonicalization %s", quote(method))
	}
	transforms := only(reference, nsSignature, "Transforms")
	if transforms == nil {
		return refuse(ReasonSignature, "a signature without transforms")
	}
	enveloped, canonical := 0, 0
	for _, t := range transforms.ChildElements() {
		switch method := attribute(t, "Algorithm"); {
		case !is(t, nsSignature, "Transform"):
			return refuse(ReasonForeignNamespace, "%s among the transforms", quote(t.Tag))
		case method == string(dsig.EnvelopedSignatureAltorithmId):
			enveloped++
		case slices.Contains(canonicalizations, method):
			canonical++
		default:
			return refuse(ReasonWeakAlgorithm, "transform %s", quote(method))
		}
	}
	if enveloped != 1 || canonical > 1 {
		return refuse(ReasonSignature, "%d enveloped-signature transforms and %d canonicalizations", enveloped, canonical)
	}
	return nil
}

func algorithmOf(el *etree.Element, tag string) string {
	if method := only(el, nsSignature, tag); method != nil {
		return attribute(method, "Algorithm")
	}
	return ""
}

// embeddedCertificate is the certificate that a signature brings along. It says who claims to have signed; it is never a
// reason to believe.
func embeddedCertificate(signature *etree.Element) *x509.Certificate {
	el := only(signature, nsSignature, "KeyInfo")
	for _, tag := range []string{"X509Data", "X509Certificate"} {
		if el == nil {
			return nil
		}
		children := all(el, nsSignature, tag)
		if len(children) == 0 {
			return nil
		}
		el = children[0]
	}
	certificate, err := parseCertificate(text(el))
	if err != nil {
		return nil
	}
	return certificate
}

// validate verifies the signature in el with one certificate. KeyInfo is left out, as it is not signed and the key is known;
// the certificate's own dates are checkSigner's business, so that they get a reason of their own.
func validate(el *etree.Element, signer *x509.Certificate) (*etree.Element, error) {
	detached, err := detach(el)
	if err != nil {
		return nil, err
	}
	signature := only(detached, nsSignature, "Signature")
	if signature == nil {
		return nil, errors.New("the signature is gone")
	}
	for _, info := range all(signature, nsSignature, "KeyInfo") {
		signature.RemoveChild(info)
	}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{signer}})
	ctx.Clock = dsig.NewFakeClockAt(signer.NotAfter)
	verified, err := ctx.Validate(detached)
	if err != nil {
		return nil, err
	}
	if verified == nil || verified.Tag != el.Tag || verified.NamespaceURI() != el.NamespaceURI() || attribute(verified, "ID") != attribute(el, "ID") {
		return nil, errors.New("the signature covers something else")
	}
	return verified, nil
}

// detach copies el out of its document, with the namespaces that it inherits declared on it. The library's NSDetatch refuses
// more than a thousand elements, which is what a person with as many groups has; parseXML has set bounds already.
func detach(el *etree.Element) (*etree.Element, error) {
	inherited, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		return nil, err
	}
	detached := el.Copy()
	own := map[string]bool{"xml": true, "xmlns": true}
	for _, a := range el.Attr {
		if a.Space == "xmlns" {
			own[a.Key] = true
		} else if a.Space == "" && a.Key == "xmlns" {
			own[""] = true
		}
	}
	for prefix, namespace := range inherited.Prefixes() {
		switch {
		case own[prefix], namespace == etreeutils.XMLNamespace:
		case prefix == "":
			detached.CreateAttr("xmlns", namespace)
		default:
			detached.CreateAttr("xmlns:"+prefix, namespace)
		}
	}
	return detached, nil
}

// verifyRedirect checks the signature over the query of a redirect, which must be that of the message.
func verifyRedirect(in Incoming, param string, signers []*x509.Certificate, now time.Time) *Refusal {
	signed, algorithm, encoded, ok := redirected(in.RawQuery, param, in.SAMLRequest+in.SAMLResponse)
	if !ok {
		return refuse(ReasonMalformed, "the query can be read in two ways")
	}
	if encoded == "" {
		return refuse(ReasonUnsigned, "no signature in the query")
	}
	signature, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return refuse(ReasonSignature, "the signature in the query is not base64")
	}
	hash, digest := redirectDigest(algorithm, signed)
	if digest == nil {
		return refuse(ReasonWeakAlgorithm, "signature method %s", quote(algorithm))
	}
	var retired *Refusal
	for _, signer := range signers {
		public, ok := signer.PublicKey.(*rsa.PublicKey)
		if !ok || rsa.VerifyPKCS1v15(public, hash, digest, signature) != nil {
			continue
		}
		if retired = checkSigner(signer, now); retired == nil {
			return nil
		} // as in verify
	}
	if retired != nil {
		return retired
	}
	return refuse(ReasonSignature, "the signature of the query does not fit it and any certificate of the metadata")
}

func redirectDigest(algorithm, signed string) (crypto.Hash, []byte) {
	switch algorithm {
	case dsig.RSASHA256SignatureMethod:
		sum := sha256.Sum256([]byte(signed))
		return crypto.SHA256, sum[:]
	case dsig.RSASHA384SignatureMethod:
		sum := sha512.Sum384([]byte(signed))
		return crypto.SHA384, sum[:]
	case dsig.RSASHA512SignatureMethod:
		sum := sha512.Sum512([]byte(signed))
		return crypto.SHA512, sum[:]
	default:
		return 0, nil
	}
}
