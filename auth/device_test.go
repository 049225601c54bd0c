package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// office is a network that several people and an intruder share.
const office = "198.51.100.20"

// device signs ada in, and returns what her browser keeps.
func (h *house) device(t *testing.T) string {
	t.Helper()
	in, err := h.SignIn(t.Context(), "ada", password, origin)
	if err != nil || in.Device == "" {
		t.Fatalf("a browser keeps %q, %v", in.Device, err)
	}
	return in.Device
}

// at tries a password of ada's in a network, at a device or at a stranger's.
func (h *house) at(t *testing.T, address, device, with string) error {
	t.Helper()
	_, err := h.SignIn(t.Context(), "ada", with, auth.Origin{Address: address, Device: device})
	return err
}

// exhaust tries wrong passwords in a network until they are refused.
func (h *house) exhaust(t *testing.T, address, device string) (tried int) {
	t.Helper()
	for ; tried < 500; tried++ {
		if err := h.at(t, address, device, "wrong"); fault.Is(err, fault.Throttled) {
			return tried
		}
	}
	t.Fatal("nothing refuses them")
	return tried
}

// TestNobodyIsLockedOut has somebody in the same network use up what strangers may try there:
// the account's owner goes on in her own browser, on every replica, and with nothing else.
func TestNobodyIsLockedOut(t *testing.T) {
	h := open(t)
	device, other := h.device(t), newHouse(t, h.store)
	_, actor := h.signIn(t)
	if tried := h.exhaust(t, office, ""); tried != 10 {
		t.Errorf("a stranger tries %d passwords", tried)
	}
	wantFault(t, h.at(t, office, "", password), fault.Throttled)
	for i := range 200 { // and what the network may get wrong over all accounts
		_, err := h.SignIn(t.Context(), fmt.Sprint("nobody", i), "wrong", auth.Origin{Address: office})
		if fault.Is(err, fault.Throttled) {
			break
		}
		wantFault(t, err, fault.Unauthenticated)
	}
	if err := other.at(t, office, device, password); err != nil {
		t.Errorf("the owner in her own browser: %v", err)
	}
	// Who is signed in there proves and changes things as ever.
	actor.Address = office
	if _, err := h.ProveByPassword(t.Context(), actor, password); err != nil {
		t.Errorf("a proof in the same network: %v", err)
	}
}

// TestDeviceIsBound tries the marks of other accounts, times and texts.
func TestDeviceIsBound(t *testing.T) {
	h := open(t)
	device := h.device(t)
	h.exhaust(t, office, "")
	_, oneTime, err := h.CreateUser(t.Context(), models.System(), auth.NewUser{Username: "eve"})
	if err != nil {
		t.Fatal(err)
	}
	eve, err := h.SignIn(t.Context(), "eve", oneTime, origin)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(device, ".")
	swap := func(i int, with string) string {
		changed := append([]string{}, parts...)
		changed[i] = with
		return strings.Join(changed, ".")
	}
	for name, said := range map[string]string{
		"OfAnother": eve.Device, "AnothersName": swap(0, strings.Split(eve.Device, ".")[0]), "OtherNonce": swap(1, "AAAAAAAAAAAAAAAA"),
		"ForEver": swap(2, "zzzzzzzz"), "Unsigned": swap(3, ""), "Cut": device[:len(device)-1], "Nothing": "...", "Long": device + strings.Repeat("x", 1000),
		"NUL": swap(0, "\x00"), "NotUTF8": swap(0, "\xff"),
	} {
		t.Run(name, func(t *testing.T) { wantFault(t, h.at(t, office, said, password), fault.Throttled) })
	}
	t.Run("ItsOwnTries", func(t *testing.T) {
		second := h.device(t)
		if tried := h.exhaust(t, "203.0.113.1", device); tried != 10 {
			t.Errorf("%d passwords are tried at a device", tried)
		}
		wantFault(t, h.at(t, "203.0.113.2", device, password), fault.Throttled) // wherever it is carried
		if err := h.at(t, office, second, password); err != nil {
			t.Errorf("another device: %v", err)
		}
		if err := h.at(t, "203.0.113.1", "", password); err != nil {
			t.Errorf("a stranger's browser, where the device is refused: %v", err)
		}
	})
	t.Run("AnotherPassword", func(t *testing.T) {
		h := open(t)
		device := h.device(t)
		_, actor := h.signIn(t)
		id, err := h.ChangePassword(t.Context(), actor, password, "a quite different one")
		if err != nil {
			t.Fatal(err)
		}
		renewed, err := h.NewDevice(t.Context(), h.actorOf(t, id))
		if err != nil {
			t.Fatal(err)
		}
		h.exhaust(t, office, "")
		wantFault(t, h.at(t, office, device, "a quite different one"), fault.Throttled)
		if err := h.at(t, office, renewed, "a quite different one"); err != nil {
			t.Errorf("the browser in which it was changed: %v", err)
		}
	})
	t.Run("Ends", func(t *testing.T) {
		h := open(t)
		device := h.device(t)
		h.wait(auth.DeviceLasts)
		h.exhaust(t, office, "")
		wantFault(t, h.at(t, office, device, password), fault.Throttled)
	})
	t.Run("NotForTokens", func(t *testing.T) {
		h := open(t)
		_, actor := h.signIn(t)
		actor.Kind = models.ActorToken
		_, err := h.NewDevice(t.Context(), actor)
		wantFault(t, err, fault.Forbidden)
	})
}

// TestKnownPasswordLocksNobodyOut: who has the password alone uses up the codes of strangers,
// and neither those of the owner's browser nor those of her sessions.
func TestKnownPasswordLocksNobodyOut(t *testing.T) {
	h := open(t)
	_, actor := h.signIn(t)
	secret := h.enrol(t, actor)
	in, err := h.FinishTOTP(t.Context(), h.begin(t), h.code(t, secret), origin)
	if err != nil {
		t.Fatal(err)
	}
	device, session := in.Device, h.actorOf(t, in.SessionID)
	for range 11 {
		_, err = h.FinishTOTP(t.Context(), h.begin(t), "000000", origin)
	}
	wantFault(t, err, fault.Throttled)
	h.wait(30 * time.Second)
	_, err = h.FinishTOTP(t.Context(), h.begin(t), h.code(t, secret), origin)
	wantFault(t, err, fault.Throttled)
	hers := origin
	hers.Device = device
	if _, err := h.FinishTOTP(t.Context(), h.begin(t), h.code(t, secret), hers); err != nil {
		t.Errorf("the owner in her own browser: %v", err)
	}
	h.wait(30 * time.Second)
	if _, err := h.ProveByTOTP(t.Context(), session, h.code(t, secret)); err != nil {
		t.Errorf("a proof in her session: %v", err)
	}
	for range 11 { // and the device's own are counted
		_, err = h.FinishTOTP(t.Context(), h.begin(t), "000000", hers)
	}
	wantFault(t, err, fault.Throttled)
}

// TestWideNetworks guesses from the many networks that one customer's IPv6 prefix has.
func TestWideNetworks(t *testing.T) {
	h := open(t)
	var tried int
	for i := range 200 {
		err := h.at(t, fmt.Sprintf("2001:db8:7:%x::1", i), "", "wrong")
		if fault.Is(err, fault.Throttled) {
			break
		}
		wantFault(t, err, fault.Unauthenticated)
		tried++
	}
	if tried != 50 {
		t.Errorf("one prefix tries %d passwords of an account", tried)
	}
	if err := h.at(t, "2001:db8:8::1", "", password); err != nil {
		t.Errorf("the neighbour: %v", err)
	}
	if err := h.at(t, "198.51.100.7", "", password); err != nil {
		t.Errorf("an IPv4 network: %v", err)
	}
	t.Run("RightOnesDoNotCount", func(t *testing.T) {
		h := open(t)
		for i := range 120 {
			if err := h.at(t, fmt.Sprintf("2001:db8:7:%x::1", i), "", password); err != nil {
				t.Fatalf("sign-in %d: %v", i, err)
			}
		}
	})
}
