package keys

import (
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// setting is something sealed that is no version: a destination's credentials, or the secret
// of a channel that alerts are told through. One of the two is set.
type setting struct {
	destination *models.Destination
	channel     *models.AlertChannel
}

func (s setting) seal() (kms.Label, kms.Sealed) {
	if c := s.channel; c != nil {
		return kms.ChannelLabel(*c), kms.Sealed{DataKeyID: c.SecretKeyID, Format: kms.Format, Ciphertext: c.Secret}
	}
	d := s.destination
	return kms.CredentialsLabel(*d), kms.Sealed{DataKeyID: d.CredentialsKeyID, Format: kms.Format, Ciphertext: d.Credentials}
}

func (s setting) dataKey() models.DataKeyID {
	_, sealed := s.seal()
	return sealed.DataKeyID
}

// object names it for people.
func (s setting) object() string {
	if s.channel != nil {
		return "channel " + s.channel.Name
	}
	return s.destination.Name
}

// reseal puts another seal in the place of the one that was loaded, and reports whether that
// still stood.
func (s setting) reseal(tx *store.Tx, sealed kms.Sealed) (bool, error) {
	if c := s.channel; c != nil {
		return tx.ResealChannel(c.ID, c.SecretKeyID, c.Secret, sealed.DataKeyID, sealed.Ciphertext)
	}
	d := s.destination
	return tx.ResealCredentials(d.ID, d.CredentialsKeyID, d.Credentials, sealed.DataKeyID, sealed.Ciphertext)
}

// reload is the setting as it stands now; NotFound where nothing is sealed there any more.
func (s setting) reload(tx *store.Tx) (setting, error) {
	if s.channel != nil {
		now, err := tx.AlertChannel(s.channel.ID)
		return setting{channel: &now}, gone(err, now.Secret)
	}
	now, err := tx.Destination(s.destination.ID)
	return setting{destination: &now}, gone(err, now.Credentials)
}

func gone(err error, sealed []byte) error {
	if err == nil && len(sealed) == 0 {
		return fault.New(fault.NotFound, "Nothing is sealed there any more.")
	}
	return err
}

// destinationSettings are those of destinations beyond one, by id; none is the end.
func destinationSettings(tx *store.Tx, environment models.EnvironmentID, after models.DestinationID) ([]setting, error) {
	rows, err := tx.DestinationsWithCredentials(environment, after, 0)
	all := make([]setting, len(rows))
	for i := range rows {
		all[i].destination = &rows[i]
	}
	return all, err
}

// channelSettings are those of channels, which are few.
func channelSettings(tx *store.Tx, environment models.EnvironmentID) ([]setting, error) {
	rows, err := tx.AlertChannelsWithSecret(environment)
	all := make([]setting, len(rows))
	for i := range rows {
		all[i].channel = &rows[i]
	}
	return all, err
}

// settings are all of an environment (0: of all).
func settings(tx *store.Tx, environment models.EnvironmentID) (all []setting, err error) {
	for after := models.DestinationID(""); ; {
		page, err := destinationSettings(tx, environment, after)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			channels, err := channelSettings(tx, environment)
			return append(all, channels...), err
		}
		all, after = append(all, page...), page[len(page)-1].destination.ID
	}
}
