package saml

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// MaxBody is the largest body that FromRequest reads: a message of 1 MiB in base64, escaped.
const MaxBody = 2 << 20

// Incoming is a message as a browser brought it. Exactly one of SAMLResponse and SAMLRequest is set.
type Incoming struct {
	SAMLResponse string // base64
	SAMLRequest  string // base64
	RelayState   string
	RawQuery     string // of a redirect, as it was received, since its signature covers the escaping; "" for a form
	Browser      string // the value that BeginOptions.Browser had, as this browser gave it back
}

// FromRequest takes a message out of a GET (redirect) or POST (form). An error carries a Refusal.
func FromRequest(r *http.Request) (Incoming, error) {
	if r.Method == http.MethodPost {
		return fromForm(r)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Incoming{}, refuse(ReasonMalformed, "the query cannot be read").public()
	}
	return pick(query, r.URL.RawQuery)
}

func fromForm(r *http.Request) (Incoming, error) {
	if r.PostForm == nil {
		r.Body = http.MaxBytesReader(nil, r.Body, MaxBody)
	}
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return Incoming{}, refuse(ReasonTooLarge, "the form is larger than %d bytes", MaxBody).public()
		}
		return Incoming{}, refuse(ReasonMalformed, "the form cannot be read").public()
	}
	return pick(r.PostForm, "")
}

func pick(values url.Values, rawQuery string) (Incoming, error) {
	for _, name := range []string{paramResponse, paramRequest, "RelayState"} {
		if len(values[name]) > 1 {
			return Incoming{}, refuse(ReasonMalformed, "%s is given twice", name).public()
		}
	}
	in := Incoming{
		SAMLResponse: values.Get(paramResponse), SAMLRequest: values.Get(paramRequest),
		RelayState: values.Get("RelayState"), RawQuery: rawQuery,
	}
	if (in.SAMLResponse == "") == (in.SAMLRequest == "") {
		return Incoming{}, refuse(ReasonMalformed, "neither one SAMLResponse nor one SAMLRequest").public()
	}
	return in, nil
}

// IsLogoutRequest reports whether the message asks for something, which for a service provider is always a logout.
func (in Incoming) IsLogoutRequest() bool { return in.SAMLRequest != "" }

// message is the XML of the message: decoded, and inflated when it came by redirect.
func (in Incoming) message() ([]byte, *Refusal) {
	raw, refusal := decode(in.SAMLResponse + in.SAMLRequest)
	if refusal != nil || in.RawQuery == "" {
		return raw, refusal
	}
	inflated, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxMessage+1))
	if err != nil {
		return nil, refuse(ReasonMalformed, "the message is not compressed as the redirect binding has it")
	}
	if len(inflated) > maxMessage {
		return nil, refuse(ReasonTooLarge, "the message is larger than %d bytes", maxMessage)
	}
	return inflated, nil
}

func decode(encoded string) ([]byte, *Refusal) {
	if base64.StdEncoding.DecodedLen(len(encoded)) > maxMessage+maxMessage/16 { // the sixteenth is room for line ends
		return nil, refuse(ReasonTooLarge, "the message is larger than %d bytes", maxMessage)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return nil, refuse(ReasonMalformed, "the message is not base64")
	}
	if len(raw) > maxMessage {
		return nil, refuse(ReasonTooLarge, "the message is larger than %d bytes", maxMessage)
	}
	return raw, nil
}

// redirected are the parts that the signature of a redirect covers, escaped as they were received. ok is false where the
// message is not the one that the query holds, and where a parameter stands twice: what one reader takes another may not.
func redirected(rawQuery, param, message string) (signed, algorithm, signature string, ok bool) {
	parts := map[string]string{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		if err != nil {
			return "", "", "", false
		}
		if _, twice := parts[name]; twice || name != key && isSAMLParameter(name) {
			return "", "", "", false
		}
		parts[name] = value
	}
	signed = param + "=" + parts[param]
	if relayState, given := parts["RelayState"]; given {
		signed += "&RelayState=" + relayState
	}
	signed += "&SigAlg=" + parts["SigAlg"]
	algorithm, errAlgorithm := url.QueryUnescape(parts["SigAlg"])
	signature, errSignature := url.QueryUnescape(parts["Signature"])
	covered, errMessage := url.QueryUnescape(parts[param])
	return signed, algorithm, signature, covered == message && errors.Join(errMessage, errAlgorithm, errSignature) == nil
}

func isSAMLParameter(name string) bool {
	switch name {
	case paramRequest, paramResponse, "RelayState", "SigAlg", "Signature":
		return true
	}
	return false
}
