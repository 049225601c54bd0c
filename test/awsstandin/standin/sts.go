package standin

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

var roleARN = regexp.MustCompile(`^arn:aws:iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]{1,64})$`)

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// session is a set of temporary credentials.
type session struct {
	who     identity
	token   string
	expires time.Time
}

func (s session) check(token string, now time.Time) (identity, error) {
	switch {
	case token != s.token:
		return identity{}, refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
	case !now.Before(s.expires):
		return identity{}, refuse("ExpiredTokenException", "The security token included in the request is expired")
	}
	return s.who, nil
}

// sessions are the temporary credentials given out, by access key id.
type sessions struct {
	mu    sync.RWMutex
	byKey map[string]session
}

func newSessions() *sessions { return &sessions{byKey: make(map[string]session)} }

func (s *sessions) find(accessKey string) (session, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, ok := s.byKey[accessKey]
	return found, ok
}

func (s *sessions) add(accessKey string, added session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byKey[accessKey] = added
}

func (s *sessions) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byKey)
}

func stsAction(body []byte) string {
	form, _ := url.ParseQuery(string(body))
	return form.Get("Action")
}

func stsRole(body []byte) string {
	form, _ := url.ParseQuery(string(body))
	return form.Get("RoleArn")
}

type callerIdentity struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

func getCallerIdentity(_ *Server, c *call) (any, error) {
	return callerIdentity{Arn: c.who.arn, UserID: c.who.userID, Account: c.who.account}, nil
}

type assumedRole struct {
	AssumedRoleUser struct {
		AssumedRoleID string `xml:"AssumedRoleId"`
		Arn           string
	}
	Credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
}

func assumeRole(s *Server, c *call) (any, error) {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return nil, refuse("MalformedInput", "the request body is not a form")
	}
	arn, name := form.Get("RoleArn"), form.Get("RoleSessionName")
	role := roleARN.FindStringSubmatch(arn)
	switch {
	case role == nil:
		return nil, refuse("ValidationError", "%s is invalid", arn)
	case !sessionName.MatchString(name):
		return nil, refuse("ValidationError", "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*")
	case !s.mayAssume(arn, form.Get("ExternalId")):
		return nil, &apiError{http.StatusForbidden, "AccessDenied", "User: " + c.who.arn + " is not authorized to perform: sts:AssumeRole on resource: " + arn}
	}
	life, err := sessionLife(form.Get("DurationSeconds"))
	if err != nil {
		return nil, err
	}
	return s.openSession(role[1], role[2], name, c.now.Add(life)), nil
}

func (s *Server) mayAssume(arn, externalID string) bool {
	for _, role := range s.opts.Roles {
		if role.ARN == arn && role.ExternalID != "" && role.ExternalID != externalID {
			return false
		}
	}
	return true
}

func sessionLife(seconds string) (time.Duration, error) {
	if seconds == "" {
		return time.Hour, nil
	}
	n, err := strconv.Atoi(seconds)
	if err != nil || n < 900 || n > 43200 {
		return 0, refuse("ValidationError", "1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200")
	}
	return time.Duration(n) * time.Second, nil
}

func (s *Server) openSession(account, role, name string, expires time.Time) assumedRole {
	roleID := "AROA" + randomString(17, alphanumeric[:26])
	who := identity{account: account, arn: "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + name, userID: roleID + ":" + name}
	var out assumedRole
	out.AssumedRoleUser.AssumedRoleID = who.userID
	out.AssumedRoleUser.Arn = who.arn
	out.Credentials.AccessKeyID = "ASIA" + randomString(16, alphanumeric[:26])
	out.Credentials.SecretAccessKey = randomString(40, alphanumeric)
	out.Credentials.SessionToken = randomString(120, alphanumeric)
	out.Credentials.Expiration = expires.UTC().Format(time.RFC3339)
	s.sessions.add(out.Credentials.AccessKeyID, session{who: who, token: out.Credentials.SessionToken, expires: expires})
	return out
}

// stsAnswer wraps a result as the query protocol does: <XResponse><XResult>…</XResult><ResponseMetadata/></XResponse>.
func stsAnswer(action string, result any, requestID string) []byte {
	var out bytes.Buffer
	out.WriteString(`<` + action + `Response xmlns="` + stsNamespace + `">`)
	encoder := xml.NewEncoder(&out)
	_ = encoder.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}})
	_ = encoder.Flush()
	out.WriteString(`<ResponseMetadata><RequestId>` + requestID + `</RequestId></ResponseMetadata></` + action + `Response>`)
	return out.Bytes()
}

func stsError(e *apiError, requestID string) []byte {
	type detail struct {
		Type    string
		Code    string
		Message string
	}
	kind := "Sender"
	if e.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	out, _ := xml.Marshal(struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Namespace string   `xml:"xmlns,attr"`
		Error     detail
		RequestID string `xml:"RequestId"`
	}{Namespace: stsNamespace, Error: detail{kind, e.code, e.message}, RequestID: requestID})
	return out
}
