// Package message is the vocabulary that the rooms of the bus share: messages and
// events with their headers, encodings, limits and errors. It opens no connection.
package message
