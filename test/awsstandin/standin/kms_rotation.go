package standin

import (
	"strings"
	"time"
)

const (
	defaultRotationDays = 365
	minRotationDays     = 90
	maxRotationDays     = 2560
	maxOnDemand         = 10
)

// originKMS is the origin of keys whose material KMS made, the only ones that it rotates.
const originKMS = "AWS_KMS"

// rotation is when a key's material is renewed. Ciphertexts of every earlier generation still open.
type rotation struct {
	Enabled  bool
	Days     int
	Next     time.Time
	OnDemand int
}

// rotateIfDue begins the generations that the schedule asks for; they are made when the key is next used.
func (m *material) rotateIfDue(now time.Time) {
	m.mu.RLock()
	due := m.Rotation.due(now)
	m.mu.RUnlock()
	if !due {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.Rotation.due(now) {
		m.addBackingKey(m.Rotation.Next)
		m.Rotation.Next = m.Rotation.Next.Add(m.Rotation.period())
	}
}

func (r rotation) due(now time.Time) bool { return r.Enabled && !now.Before(r.Next) }

func (r rotation) period() time.Duration { return time.Duration(r.Days) * 24 * time.Hour }

// byKey refuses an alias where AWS takes only a key's id or ARN.
func byKey(id string) error {
	if strings.HasPrefix(id, "alias/") || strings.Contains(id, ":alias/") {
		return refuse("NotFoundException", "Invalid keyId '%s'", id)
	}
	return nil
}

// rotatable resolves a key whose rotation may be changed: usable, of the customer's, its material made by KMS, and the
// primary of its replicas.
func (c *call) rotatable(id string) (key, error) {
	if err := byKey(id); err != nil {
		return key{}, err
	}
	k, err := c.usableKey(id)
	if err != nil {
		return key{}, err
	}
	if k.Managed || k.replica() || k.Origin != "" {
		return key{}, refuse("UnsupportedOperationException", "%s does not support this operation: its rotation is managed elsewhere.", c.region.keys.keyARN(k.ID))
	}
	return k, nil
}

type enableRotationIn struct {
	KeyID                string `json:"KeyId"`
	RotationPeriodInDays *int
}

func enableKeyRotation(_ *Server, c *call, in *enableRotationIn) (*none, error) {
	if err := checkRange("rotationPeriodInDays", in.RotationPeriodInDays, minRotationDays, maxRotationDays); err != nil {
		return nil, err
	}
	k, err := c.rotatable(in.KeyID)
	if err != nil {
		return nil, err
	}
	days := defaultRotationDays
	if in.RotationPeriodInDays != nil {
		days = *in.RotationPeriodInDays
	}
	k.material.mu.Lock()
	defer k.material.mu.Unlock()
	r := &k.material.Rotation
	if !r.Enabled || r.Days != days {
		r.Enabled, r.Days = true, days
		r.Next = c.now.Add(r.period())
	}
	return &none{}, nil
}

func disableKeyRotation(_ *Server, c *call, in *keyIn) (*none, error) {
	k, err := c.rotatable(in.KeyID)
	if err != nil {
		return nil, err
	}
	k.material.mu.Lock()
	defer k.material.mu.Unlock()
	k.material.Rotation.Enabled = false
	return &none{}, nil
}

type rotationStatusOut struct {
	KeyID                string `json:"KeyId"`
	KeyRotationEnabled   bool
	RotationPeriodInDays int   `json:",omitempty"`
	NextRotationDate     epoch `json:",omitzero"`
}

func getKeyRotationStatus(_ *Server, c *call, in *keyIn) (*rotationStatusOut, error) {
	if err := byKey(in.KeyID); err != nil {
		return nil, err
	}
	k, err := c.region.keys.get(in.KeyID, c.now)
	if err != nil {
		return nil, err
	}
	k.material.rotateIfDue(c.now)
	k.material.mu.RLock()
	defer k.material.mu.RUnlock()
	out := &rotationStatusOut{KeyID: c.region.keys.keyARN(k.ID)}
	if r := k.material.Rotation; r.Enabled && k.State != statePendingDeletion {
		out.KeyRotationEnabled, out.RotationPeriodInDays, out.NextRotationDate = true, r.Days, epoch(r.Next)
	}
	return out, nil
}

func rotateKeyOnDemand(_ *Server, c *call, in *keyIn) (*keyOut, error) {
	k, err := c.rotatable(in.KeyID)
	if err != nil {
		return nil, err
	}
	k.material.mu.Lock()
	defer k.material.mu.Unlock()
	if k.material.Rotation.OnDemand >= maxOnDemand {
		return nil, refuse("LimitExceededException", "The key %s was rotated on demand %d times, which is the limit.", c.region.keys.keyARN(k.ID), maxOnDemand)
	}
	k.material.Rotation.OnDemand++
	k.material.addBackingKey(c.now)
	return &keyOut{c.region.keys.keyARN(k.ID)}, nil
}
