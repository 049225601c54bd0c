package api

import (
	"bytes"
	"encoding/json"
)

// SecretWithValue is a secret with its value, or with ValueHidden where it is not shown.
type SecretWithValue struct {
	Secret
	Value       Value `json:"value,omitzero"`
	ValueHidden bool  `json:"value_hidden,omitempty"`
}

// VersionWithValue is one version with its value.
type VersionWithValue struct {
	Version
	Value Value `json:"value"`
}

// Export is the values of an environment.
type Export struct {
	Items   []ExportedSecret `json:"items"`
	Unknown []UnknownSecret  `json:"unknown,omitempty"`
}

// ExportedSecret is a secret's current value, with what somebody wrote beside it.
type ExportedSecret struct {
	ID          int64      `json:"id"`
	Name        string     `json:"name"`
	SecretType  SecretType `json:"secret_type"`
	Version     int64      `json:"version"`
	Value       Value      `json:"value"`
	Description string     `json:"description,omitempty"`
	Owner       string     `json:"owner,omitempty"`
	Tags        Tags       `json:"tags,omitempty"`
}

// CreatedToken is a new token, with the token itself.
type CreatedToken struct {
	Token
	Text Value `json:"token"`
}

// AlertChannelWithKey is a channel, with the signing key that Keeper made for it, if it made
// one.
type AlertChannelWithKey struct {
	AlertChannel
	SigningKey Value `json:"signing_key,omitzero"`
}

// CreatedUser is a new account, with the one-time password of a person.
type CreatedUser struct {
	User
	Password Value `json:"one_time_password,omitzero"`
}

// OneTimePassword is a person's new password, which has to be changed at the next sign-in.
type OneTimePassword struct {
	Password Value `json:"one_time_password"`
}

// FoundToken is the text of a token that is to be revoked.
type FoundToken struct {
	Text Value `json:"token"`
}

// Marshal encodes one of this package's types for the wire, and is the one encoder that
// writes values in the clear: those of the types named here, each of which a caller has to
// hand over itself. Anywhere else, in a list above all, a Value stays "[redacted]".
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(exposed(v))
	return b.Bytes(), err
}

// exposed puts a plain field over the field of each type that hides its value: of two
// fields of one JSON name, encoding/json writes the outer.
func exposed(v any) any { return exposedBody(exposedAnswer(v)) }

// exposedAnswer is exposed for what a server answers with values.
func exposedAnswer(v any) any {
	switch v := v.(type) {
	case SecretWithValue:
		return struct {
			SecretWithValue
			Value *clearText `json:"value,omitempty"`
		}{v, v.Value.text}
	case VersionWithValue:
		return struct {
			VersionWithValue
			Value *clearText `json:"value,omitempty"`
		}{v, v.Value.text}
	case RemoteValue:
		return struct {
			RemoteValue
			Value *clearText `json:"value,omitempty"`
		}{v, v.Value.text}
	case Export:
		return v.exposed()
	case CreatedToken:
		return struct {
			CreatedToken
			Text *clearText `json:"token,omitempty"`
		}{v, v.Text.text}
	case CreatedUser:
		return struct {
			CreatedUser
			Password *clearText `json:"one_time_password,omitempty"`
		}{v, v.Password.text}
	case OneTimePassword:
		return struct {
			Password *clearText `json:"one_time_password"`
		}{v.Password.text}
	case AlertChannelWithKey:
		return struct {
			AlertChannelWithKey
			SigningKey *clearText `json:"signing_key,omitempty"`
		}{v, v.SigningKey.text}
	default:
		return v
	}
}

// exposedBody is exposed for what a client sends with values.
func exposedBody(v any) any {
	switch v := v.(type) {
	case FoundToken:
		return struct {
			Text *clearText `json:"token"`
		}{v.Text.text}
	case NewAlertChannel:
		return struct {
			NewAlertChannel
			Secret *clearText `json:"secret,omitempty"`
		}{v, v.Secret.text}
	case AlertChannelChange:
		return struct {
			AlertChannelChange
			Secret *clearText `json:"secret,omitempty"`
		}{v, v.Secret.text}
	case NewSecret:
		return struct {
			NewSecret
			Value *clearText `json:"value,omitempty"`
		}{v, v.Value.text}
	case ReplaceSecret:
		return struct {
			ReplaceSecret
			Value *clearText `json:"value,omitempty"`
		}{v, v.Value.text}
	case SecretChange:
		return struct {
			SecretChange
			Value *clearText `json:"value,omitempty"`
		}{v, v.Value.text}
	case NewDestination:
		return struct {
			NewDestination
			Credentials *exposedCredentials `json:"credentials,omitempty"`
		}{v, v.Credentials.exposed()}
	case DestinationChange:
		if v.Credentials == nil {
			return v
		}
		return struct {
			DestinationChange
			Credentials *exposedCredentials `json:"credentials,omitempty"`
		}{v, v.Credentials.exposed()}
	default:
		return v
	}
}

func (x Export) exposed() any {
	type item struct {
		ExportedSecret
		Value *clearText `json:"value,omitempty"`
	}
	items := make([]item, len(x.Items))
	for i, one := range x.Items {
		items[i] = item{one, one.Value.text}
	}
	return struct {
		Export
		Items []item `json:"items"`
	}{x, items}
}

type exposedCredentials struct {
	AccessKeyID     *clearText `json:"access_key_id,omitempty"`
	SecretAccessKey *clearText `json:"secret_access_key,omitempty"`
	SessionToken    *clearText `json:"session_token,omitempty"`
	VaultToken      *clearText `json:"vault_token,omitempty"`
	RoleID          *clearText `json:"role_id,omitempty"`
	SecretID        *clearText `json:"secret_id,omitempty"`
	JWT             *clearText `json:"jwt,omitempty"`
}

func (c DestinationCredentials) exposed() *exposedCredentials {
	return &exposedCredentials{
		AccessKeyID: c.AccessKeyID.text, SecretAccessKey: c.SecretAccessKey.text, SessionToken: c.SessionToken.text,
		VaultToken: c.VaultToken.text, RoleID: c.RoleID.text, SecretID: c.SecretID.text,
		JWT: c.JWT.text,
	}
}
