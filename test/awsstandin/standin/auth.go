package standin

import (
	"net/http"
	"regexp"
	"time"
)

// signatureWindow is how far a request's date may be from the server's clock.
const signatureWindow = 5 * time.Minute

const amzDate = "20060102T150405Z"

// credentialScope reads "AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …".
var credentialScope = regexp.MustCompile(`^AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request`)

// identity is who a request is signed for.
type identity struct {
	account string
	arn     string
	userID  string
}

// authenticate tells who signed the request and for which region. The signature itself is not verified, since the
// stand-in knows no secret keys; its presence, scope, date and session token are.
func (s *Server) authenticate(r *http.Request, service string) (identity, string, error) {
	scope := credentialScope.FindStringSubmatch(r.Header.Get("Authorization"))
	if scope == nil {
		return identity{}, "", refuse("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	key, region := scope[1], scope[2]
	if scope[3] != service {
		return identity{}, "", refuse("InvalidSignatureException", "Credential should be scoped to correct service: '%s'.", service)
	}
	if err := s.checkDate(r.Header.Get("X-Amz-Date")); err != nil {
		return identity{}, "", err
	}
	token := r.Header.Get("X-Amz-Security-Token")
	if session, found := s.sessions.find(key); found {
		who, err := session.check(token, s.clock.now())
		return who, region, err
	}
	return s.user(key), region, nil
}

func (s *Server) checkDate(date string) error {
	signed, err := time.Parse(amzDate, date)
	if err != nil {
		return refuse("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.")
	}
	now := s.clock.signing().UTC()
	switch {
	case signed.Before(now.Add(-signatureWindow)):
		return refuse("InvalidSignatureException", "Signature expired: %s is now earlier than %s (%s - 5 min.)",
			date, now.Add(-signatureWindow).Format(amzDate), now.Format(amzDate))
	case signed.After(now.Add(signatureWindow)):
		return refuse("InvalidSignatureException", "Signature not yet current: %s is still later than %s (%s + 5 min.)",
			date, now.Add(signatureWindow).Format(amzDate), now.Format(amzDate))
	}
	return nil
}

// user is the identity of a long-lived access key.
func (s *Server) user(accessKey string) identity {
	account := s.opts.Account
	if named, found := s.opts.Accounts[accessKey]; found {
		account = named
	}
	return identity{account: account, arn: "arn:aws:iam::" + account + ":user/standin", userID: "AIDASTANDIN" + account}
}

// denied is AWS's refusal for want of a permission.
func denied(who identity, action, resource string) *apiError {
	return refuse("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		who.arn, action, resource, action)
}
