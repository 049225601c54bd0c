package browser

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"
)

// Tab is a page of a browser whose console is listened to.
type Tab struct {
	*rod.Page
	url string

	mu    sync.Mutex
	noise []string // errors of scripts, refused resources, violations of the policy
}

// Tab opens an empty tab for the pages of a server.
func (b *Browser) Tab(url string) (*Tab, error) {
	page, err := b.rod.Page(proto.TargetCreateTarget{URL: "about:blank"})
	if err != nil {
		return nil, err
	}
	t := &Tab{Page: page, url: url}
	// A tab behind another draws and has focus as the one in front.
	if err := errors.Join(proto.LogEnable{}.Call(page), proto.EmulationSetFocusEmulationEnabled{Enabled: true}.Call(page)); err != nil {
		return nil, err
	}
	go page.EachEvent(
		func(e *proto.LogEntryAdded) {
			if e.Entry.Level == proto.LogLogEntryLevelError || e.Entry.Level == proto.LogLogEntryLevelWarning {
				t.hear(e.Entry.Text + " " + e.Entry.URL)
			}
		},
		func(e *proto.RuntimeExceptionThrown) {
			text := e.ExceptionDetails.Text
			if e.ExceptionDetails.Exception != nil {
				text += " " + e.ExceptionDetails.Exception.Description
			}
			t.hear(text)
		},
		func(e *proto.RuntimeConsoleAPICalled) {
			if e.Type == proto.RuntimeConsoleAPICalledTypeError {
				t.hear("console.error was called")
			}
		},
	)()
	return t, nil
}

func (t *Tab) hear(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.noise = append(t.noise, text)
}

// Noise is what the console has complained of since the last call.
func (t *Tab) Noise() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	noise := t.noise
	t.noise = nil
	return noise
}

// Look is how a page is looked at: size in CSS pixels, and colours.
type Look struct {
	Width, Height int
	Dark          bool
}

// The usual looks.
var (
	Desktop     = Look{Width: 1440, Height: 900}
	DesktopDark = Look{Width: 1440, Height: 900, Dark: true}
	Phone       = Look{Width: 390, Height: 844}
	PhoneDark   = Look{Width: 390, Height: 844, Dark: true}
	// Zoomed is a desktop of 1280 × 1024 at 400 %.
	Zoomed = Look{Width: 320, Height: 256}
)

// Look sets how the page is looked at. Nothing moves: motion is reduced.
func (t *Tab) Look(l Look) error {
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	return errors.Join(
		proto.EmulationSetEmulatedMedia{Features: []*proto.EmulationMediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}.Call(t.Page),
		t.SetViewport(&proto.EmulationSetDeviceMetricsOverride{Width: l.Width, Height: l.Height, DeviceScaleFactor: 1, Mobile: l.Width < 500}),
	)
}

// Open goes to a path and waits until all of the page is there.
func (t *Tab) Open(path string) error {
	if err := t.Timeout(patience).Navigate(t.url + path); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return t.Loaded()
}

// Loaded waits until all of the page is there. (Rod's own WaitLoad fails when the page
// finishes while it is asked.)
func (t *Tab) Loaded() error {
	return t.Until("the page to load", `() => document.readyState === "complete"`)
}

// Until waits for a function of JavaScript to say true. A page that is just being replaced
// answers with errors.
func (t *Tab) Until(what, says string) error { return t.UntilFor(patience, what, says) }

// UntilFor is Until with a patience of its own, and arguments for the function.
func (t *Tab) UntilFor(patience time.Duration, what, says string, arguments ...any) error {
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		answer, err := t.Timeout(patience).Eval(says, arguments...)
		if err == nil && answer.Value.Bool() {
			return nil
		}
		last = err
	}
	return errors.Join(fmt.Errorf("waited in vain for %s", what), last)
}

// Ask has a function of JavaScript give an answer that JSON can say.
func (t *Tab) Ask(into any, function string, arguments ...any) error {
	answer, err := t.Timeout(patience).Eval(function, arguments...)
	if err != nil {
		return err
	}
	return answer.Value.Unmarshal(into)
}

// Fill types into the field that a selector finds.
func (t *Tab) Fill(selector, text string) error {
	element, err := t.Timeout(patience).Element(selector)
	if err != nil {
		return fmt.Errorf("%s: %w", selector, err)
	}
	return errors.Join(element.SelectAllText(), element.Input(text))
}

// Press presses and releases a key, so often.
func (t *Tab) Press(key input.Key, times int) error {
	for range times {
		if err := t.Keyboard.Type(key); err != nil {
			return err
		}
	}
	return nil
}

// SignIn signs in with a name and a password, and ends at the page that follows.
func (t *Tab) SignIn(name, password string) error {
	if err := t.Open("/sign-in"); err != nil {
		return err
	}
	if err := errors.Join(t.Fill("#f-username", name), t.Fill("#f-password", password), t.Press(input.Enter, 1)); err != nil {
		return err
	}
	return t.Until("the page after signing in", `() => location.pathname !== "/sign-in" && document.readyState === "complete"`)
}
