package web

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	beatEvery  = 15 * time.Second // the page takes three of them missing for a lost line
	checkEvery = 30 * time.Second // whether the session still stands
	writeLimit = 10 * time.Second // a browser that reads nothing for so long is gone
	maxTopics  = 20
)

// events streams to an open page what it should fetch anew: "change" with topics, and a
// "beat" so that the page knows the line to stand. The events hold nothing but topics, so
// what may be seen is decided where the page is rendered. The stream ends with the session.
func (w *Web) events(r *request) error {
	topics := strings.Fields(r.URL.Query().Get("topics"))
	one, err := w.live.join(r.actor, topics[:min(len(topics), maxTopics)])
	if err != nil {
		return err
	}
	defer w.live.leave(one)
	stream := newStream(r.out)
	if err := stream.send("beat", "now"); err != nil {
		return nil // the browser has gone
	}
	beat, check := time.NewTicker(beatEvery), time.NewTicker(checkEvery)
	defer beat.Stop()
	defer check.Stop()
	for {
		err = nil
		select {
		case <-r.Context().Done():
			return nil
		case <-w.live.stopped:
			return nil
		case <-beat.C:
			err = stream.send("beat", "now")
		case <-check.C:
			if !w.stillThere(r, one) {
				return nil
			}
		case <-one.wake:
			pending := w.live.take(one)
			if i := slices.Index(pending, recheckTopic); i >= 0 {
				if !w.stillThere(r, one) {
					return nil
				}
				pending = slices.Delete(pending, i, i+1)
			}
			if len(pending) > 0 {
				err = stream.send("change", strings.Join(pending, " "))
			}
		}
		if err != nil {
			return nil // the browser has gone
		}
	}
}

// stillThere reports whether the listener's session stands, and takes over what its actor
// may see now. Where that cannot be found out, the line is cut: the page says so and asks again.
func (w *Web) stillThere(r *request, one *listener) bool {
	actor, err := r.again(r.Context())
	if err != nil {
		return false
	}
	w.live.rename(one, actor)
	return true
}

// stream writes server-sent events.
type stream struct {
	out        http.ResponseWriter
	controller *http.ResponseController
}

func newStream(out http.ResponseWriter) *stream {
	s := &stream{out, http.NewResponseController(out)}
	// The server's limit for reading a request would end the stream, too.
	_ = s.controller.SetReadDeadline(time.Time{}) // where it is not supported there is no limit
	header := out.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx
	out.WriteHeader(http.StatusOK)
	return s
}

func (s *stream) send(event, data string) error {
	_ = s.controller.SetWriteDeadline(time.Now().Add(writeLimit)) // where it is not supported there is no limit
	if _, err := s.out.Write([]byte("event: " + event + "\ndata: " + data + "\n\n")); err != nil {
		return err
	}
	return s.controller.Flush()
}
