package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a request; the largest legal one is far smaller.
const maxBody = 1 << 20

// The services as they are named in credential scopes, faults and counts.
const (
	serviceSecrets = "secretsmanager"
	serviceKMS     = "kms"
	serviceSTS     = "sts"
)

// targets maps the first half of an X-Amz-Target header to its service.
var targets = map[string]string{"secretsmanager": serviceSecrets, "TrentService": serviceKMS}

// call is one request after its envelope was read.
type call struct {
	service   string
	operation string
	who       identity
	region    *region
	body      []byte
	now       time.Time
	// names are the secrets, keys or roles that the body names, once subjects has looked.
	names []string
}

// operation answers one call with a value to be encoded. writes marks those that change what is kept.
type operation struct {
	run    func(*Server, *call) (any, error)
	writes bool
}

// reads makes an operation that changes nothing from a function on its decoded input.
func reads[In, Out any](f func(*Server, *call, *In) (*Out, error)) operation {
	return operation{run: func(s *Server, c *call) (any, error) {
		in := new(In)
		if err := json.Unmarshal(c.body, in); err != nil {
			// The decoder's error may quote the value, so it goes no further.
			return nil, refuse("SerializationException", "the request body is not valid JSON for this operation")
		}
		return f(s, c, in)
	}}
}

// writes is reads for an operation that changes what is kept.
func writes[In, Out any](f func(*Server, *call, *In) (*Out, error)) operation {
	op := reads(f)
	op.writes = true
	return op
}

// none is the answer of operations that answer with nothing.
type none struct{}

// epoch is a time on the wire: seconds since 1970, with milliseconds.
type epoch time.Time

func (e epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(e).UnixMilli())/1000, 'f', -1, 64), nil
}

// IsZero lets omitzero leave out a time that never was.
func (e epoch) IsZero() bool { return time.Time(e).IsZero() }

// serveAWS answers one call: envelope, quota, faults, operation, answer.
func (s *Server) serveAWS(w http.ResponseWriter, r *http.Request) {
	reply := &reply{w: w, service: serviceOf(r), requestID: newUUID()}
	w.Header().Set("Date", s.clock.signing().UTC().Format(http.TimeFormat))
	c, err := s.readCall(w, r, reply.service)
	if err != nil {
		reply.fail(err)
		return
	}
	s.calls.note(c)
	s.pause(r, s.latency(c))
	if err := s.quotas.take(c); err != nil {
		s.calls.noteThrottle(c)
		reply.fail(err)
		return
	}
	hit := s.faults.strike(c)
	if err := s.suffer(w, r, hit); err != nil {
		reply.fail(err)
		return
	}
	out, err := s.run(c)
	if hit.kind == FaultTimeoutAfter {
		s.hang(r, hit.wait)
	}
	if err != nil {
		reply.fail(err)
		return
	}
	reply.succeed(c.operation, out)
}

// latency is how long a call takes before anything else happens to it.
func (s *Server) latency(c *call) time.Duration {
	if c.service == serviceKMS {
		return s.opts.Latency + s.opts.KMSLatency
	}
	return s.opts.Latency
}

func (s *Server) run(c *call) (any, error) {
	op, known := operations[c.service][c.operation]
	if !known {
		return nil, refuse("UnknownOperationException", "the stand-in has no operation %s of %s", c.operation, c.service)
	}
	out, err := op.run(s, c)
	if err == nil && op.writes {
		s.dirty.Store(true)
	}
	return out, err
}

func serviceOf(r *http.Request) string {
	prefix, _, found := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !found {
		return serviceSTS
	}
	return targets[prefix]
}

// readCall reads the envelope: service, operation, who asks and in which region.
func (s *Server) readCall(w http.ResponseWriter, r *http.Request, service string) (*call, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, &apiError{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "the request body is larger than 1 MiB"}
	}
	if service == "" {
		return nil, refuse("UnknownOperationException", "the stand-in has no such service")
	}
	who, regionName, err := s.authenticate(r, service)
	if err != nil {
		return nil, err
	}
	c := &call{service: service, who: who, region: s.region(who.account, regionName), body: body, now: s.clock.now()}
	if service == serviceSTS {
		c.operation = stsAction(body)
	} else {
		_, c.operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	}
	return c, nil
}

// reply writes the one answer of a call in its service's protocol.
type reply struct {
	w         http.ResponseWriter
	service   string
	requestID string
}

func (p *reply) succeed(operation string, out any) {
	if p.service == serviceSTS {
		p.write(http.StatusOK, stsAnswer(operation, out, p.requestID))
		return
	}
	body, err := json.Marshal(out)
	if err != nil {
		p.fail(err)
		return
	}
	p.write(http.StatusOK, body)
}

func (p *reply) fail(err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{http.StatusInternalServerError, "InternalFailure", "the stand-in failed"}
	}
	if p.service == serviceSTS {
		p.write(e.status, stsError(e, p.requestID))
		return
	}
	p.w.Header().Set("X-Amzn-ErrorType", e.code)
	p.write(e.status, jsonError(p.service, e))
}

// jsonError is an error's body. Secrets Manager spells the message's name with a capital, KMS without.
func jsonError(service string, e *apiError) []byte {
	name := "message"
	if service == serviceSecrets {
		name = "Message"
	}
	body, _ := json.Marshal(map[string]string{"__type": e.code, name: e.message})
	return body
}

func (p *reply) write(status int, body []byte) {
	h := p.w.Header()
	h.Set("X-Amzn-RequestId", p.requestID)
	if p.service == serviceSTS {
		h.Set("Content-Type", "text/xml")
	} else {
		h.Set("Content-Type", "application/x-amz-json-1.1")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	p.w.WriteHeader(status)
	_, _ = io.Copy(p.w, bytes.NewReader(body))
}
