package web_test

import (
	"testing"

	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/models"
)

// offline cuts the browser off from everything, or joins it again.
func (b *tab) offline(t *testing.T, cut bool) {
	t.Helper()
	must(t, proto.NetworkEnable{}.Call(b))
	must(t, proto.NetworkEmulateNetworkConditions{Offline: cut, Latency: 0, DownloadThroughput: -1, UploadThroughput: -1}.Call(b))
}

// TestLiveInBrowser holds that an open page tells when it may be old, and loses no change: not
// while the line is gone, and not where a fresh copy was refused.
func TestLiveInBrowser(t *testing.T) {
	h := newHouse(t)
	e := h.environment("production")
	h.secret(e, "team/first")
	h.user("ada", models.RoleAdmin, nil)
	b := newTab(t, h)
	b.open("/sign-in?next=/secrets")
	b.fill("#f-username", "ada")
	b.fill("#f-password", password)
	b.click(`form[action="/sign-in"] button`)
	const live = `#live[data-live-line="live"]`
	eventually(t, "the live line", b.says(live, "live"))
	marked(t, b)

	t.Run("Away", func(t *testing.T) {
		b.offline(t, true)
		eventually(t, "the age of what is shown", b.says("#live .live-word", "not live, retrying; as of "))
		h.secret(e, "team/while-away")
		if b.says("#choose tbody", "while-away")() {
			t.Fatal("the browser is not cut off: this test tries nothing")
		}
		b.offline(t, false)
		eventually(t, "the line to stand again", b.says(live, "live"))
		eventually(t, "what changed meanwhile", b.says("#choose tbody", "while-away"))
		unmoved(t, b)
	})
	for name, answer := range map[string]string{
		"Unavailable": `Promise.resolve(new Response("", { status: 503 }))`,
		"TooMany":     `Promise.resolve(new Response("", { status: 429 }))`,
		"Broken":      `Promise.reject(new TypeError("no network"))`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.Eval(`() => {
				const real = window.fetch;
				document.documentElement.dataset.refused = "0";
				window.fetch = () => {
					window.fetch = real;
					document.documentElement.dataset.refused = "1";
					return ` + answer + `;
				};
			}`)
			must(t, err)
			h.secret(e, "team/after-"+name)
			eventually(t, "the page to say that it may be old", b.says(`#live[data-live-line="lost"]`, "not live, retrying; as of "))
			if b.root(t, "refused") != "1" {
				t.Error("no fresh copy was refused")
			}
			eventually(t, "the change", b.says("#choose tbody", "after-"+name))
			eventually(t, "the page to be live", b.says(live, "live"))
			unmoved(t, b)
		})
	}
	t.Run("Narrow", func(t *testing.T) { // what it says has room on a phone, too
		must(t, proto.EmulationSetDeviceMetricsOverride{Width: 360, Height: 740, DeviceScaleFactor: 1, Mobile: true}.Call(b))
		_, err := b.Eval(`() => { window.fetch = () => Promise.reject(new TypeError("no network")) }`)
		must(t, err)
		h.secret(e, "team/narrow")
		eventually(t, "the page to say that it may be old", b.says(`#live[data-live-line="lost"]`, "not live, retrying"))
		wide, err := b.Eval(`() => document.documentElement.scrollWidth`)
		must(t, err)
		if wide.Value.Int() > 360 {
			t.Errorf("the page is %d px wide", wide.Value.Int())
		}
		shown, err := b.Eval(`() => { const r = document.querySelector(".live-word").getBoundingClientRect(); return r.width > 0 && r.left >= 0 && r.right <= 360 }`)
		must(t, err)
		if !shown.Value.Bool() {
			t.Error("the words are not to be seen")
		}
	})
}
