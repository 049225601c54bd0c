package client

import (
	"fmt"
	"iter"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// Iterate goes over all pages of a list: page gets a part of it, given the cursor, "" for
// the first. An error ends it.
func Iterate[T any](page func(cursor string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := ""; ; {
			items, next, err := page(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" || next == cursor {
				return
			}
			cursor = next
		}
	}
}

// Collect is all items of a list, up to the first error.
func Collect[T any](items iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range items {
		if err != nil {
			return all, err
		}
		all = append(all, item)
	}
	return all, nil
}

// query spells the parameters of an operation, a struct of package api whose form tags name
// them. Zero fields are left out.
func query(params any) url.Values {
	values := url.Values{}
	if params == nil {
		return values
	}
	v := reflect.ValueOf(params)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("form"), ",")
		field := v.Field(i)
		if name == "" || field.IsZero() {
			continue
		}
		if field.Kind() == reflect.Slice {
			for j := range field.Len() {
				values.Add(name, spell(field.Index(j)))
			}
			continue
		}
		values.Set(name, spell(reflect.Indirect(field)))
	}
	return values
}

func spell(v reflect.Value) string {
	if at, ok := v.Interface().(time.Time); ok {
		return at.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v.Interface())
}
