package main

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"sync"

	"github.com/xdg-go/scram"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// What FerretDB lacks before its version 2: users with passwords. A client that has not shown that it knows the
// password (SCRAM-SHA-1, as in MongoDB's specification "Driver Authentication") gets at nothing.
type authentication struct {
	server *scram.Server
	socket string
}

const (
	opMsg      = 2013
	headerSize = 16
	maxMessage = 48_000_000
	iterations = 4096
)

var anonymous = []string{"hello", "isMaster", "ismaster", "ping", "buildInfo", "endSessions"}

func newAuthentication(user, password, socket string) (*authentication, error) {
	digest := md5.Sum([]byte(user + ":mongo:" + password))
	client, err := scram.SHA1.NewClientUnprepped(user, hex.EncodeToString(digest[:]), "")
	if err != nil {
		return nil, err
	}
	stored := client.GetStoredCredentials(scram.KeyFactors{Salt: "inet-swarm test ", Iters: iterations})
	server, err := scram.SHA1.NewServer(func(name string) (scram.StoredCredentials, error) {
		if name != user {
			return scram.StoredCredentials{}, errors.New("no such user")
		}
		return stored, nil
	})
	return &authentication{server: server, socket: socket}, err
}

func (a *authentication) serve(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go a.handle(client)
	}
}

func (a *authentication) handle(client net.Conn) {
	defer client.Close()
	database, err := net.Dial("unix", a.socket)
	if err != nil {
		log.Print(err)
		return
	}
	defer database.Close()
	var writing sync.Mutex
	go func() {
		defer client.Close()
		for {
			message, err := readMessage(database)
			if err != nil {
				return
			}
			writing.Lock()
			_, err = client.Write(message)
			writing.Unlock()
			if err != nil {
				return
			}
		}
	}()
	conversation := a.server.NewConversation()
	for {
		message, err := readMessage(client)
		if err != nil {
			return
		}
		answer := answerTo(message, conversation)
		if answer == nil {
			_, err = database.Write(message)
		} else {
			writing.Lock()
			_, err = client.Write(reply(message, answer))
			writing.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// Nil for what the database is to answer.
func answerTo(message []byte, conversation *scram.ServerConversation) bson.D {
	command := commandOf(message)
	if command == nil {
		return nil // the first hello comes in an older form
	}
	elements, err := command.Elements()
	if err != nil || len(elements) == 0 {
		return failure(22, "the command is malformed")
	}
	name := elements[0].Key()
	if name == "saslStart" || name == "saslContinue" {
		_, payload, ok := command.Lookup("payload").BinaryOK()
		if !ok {
			return failure(22, "there is no payload")
		}
		said, err := conversation.Step(string(payload))
		if err != nil {
			return failure(18, "Authentication failed.")
		}
		return bson.D{
			{Key: "conversationId", Value: int32(1)},
			{Key: "done", Value: conversation.Done()},
			{Key: "payload", Value: primitive.Binary{Data: []byte(said)}},
			{Key: "ok", Value: 1.0},
		}
	}
	if conversation.Valid() || slices.Contains(anonymous, name) {
		return nil
	}
	return failure(13, fmt.Sprintf("command %s requires authentication", name))
}

func failure(code int32, message string) bson.D {
	names := map[int32]string{13: "Unauthorized", 18: "AuthenticationFailed", 22: "InvalidBSON"}
	return bson.D{
		{Key: "ok", Value: 0.0},
		{Key: "errmsg", Value: message},
		{Key: "code", Value: code},
		{Key: "codeName", Value: names[code]},
	}
}

// The document of kind 0 that stands first in an OP_MSG; nil for other messages.
func commandOf(message []byte) bson.Raw {
	if binary.LittleEndian.Uint32(message[12:]) != opMsg || len(message) < headerSize+10 || message[20] != 0 {
		return nil
	}
	document := message[21:]
	size := binary.LittleEndian.Uint32(document)
	if int(size) > len(document) {
		return bson.Raw{}
	}
	return bson.Raw(document[:size])
}

func reply(to []byte, answer bson.D) []byte {
	document, err := bson.Marshal(answer)
	if err != nil {
		log.Fatal(err)
	}
	message := make([]byte, headerSize+5, headerSize+5+len(document))
	binary.LittleEndian.PutUint32(message, uint32(cap(message)))
	copy(message[8:], to[4:8])
	binary.LittleEndian.PutUint32(message[12:], opMsg)
	return append(message, document...)
}

func readMessage(from io.Reader) ([]byte, error) {
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(from, header); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header)
	if size < headerSize || size > maxMessage {
		return nil, errors.New("a message of impossible size")
	}
	message := make([]byte, size)
	copy(message, header)
	_, err := io.ReadFull(from, message[headerSize:])
	return message, err
}
