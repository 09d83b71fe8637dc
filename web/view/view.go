// Package view is what the parts of the stack show and the page reads: the types of the
// dashboard's API that the gateway, the broker, the services and the dashboard share. It
// knows none of them.
package view

// Of gives each item as the page shows it.
func Of[V any, T interface{ View() V }](items []T) []V {
	if items == nil {
		return nil
	}
	views := make([]V, len(items))
	for i, item := range items {
		views[i] = item.View()
	}
	return views
}

// NonNil makes a list that JSON writes as [] in place of null.
func NonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
