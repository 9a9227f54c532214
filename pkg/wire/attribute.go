package wire

// attribute is a name of protocol section 2, as a bit.
type attribute uint32

const (
	attrID attribute = 1 << iota
	attrType
	attrSpecversion
	attrSource
	attrTime
	attrContentType
	attrSchema
	attrData
	attrBinary
	attrPosition
	attrFinal
	attrStream
	attrPublisher
	attrRecorded
	attrLogPosition
	// attrExtension is any other name.
	attrExtension attribute = 0
)

func attributeOf(name []byte) attribute {
	switch string(name) {
	case "id":
		return attrID
	case "type":
		return attrType
	case "data":
		return attrData
	case "position":
		return attrPosition
	case "final":
		return attrFinal
	case "time":
		return attrTime
	case "source":
		return attrSource
	case "specversion":
		return attrSpecversion
	case "datacontenttype":
		return attrContentType
	case "dataschema":
		return attrSchema
	case "data_base64":
		return attrBinary
	case "stream":
		return attrStream
	case "publisher":
		return attrPublisher
	case "recordedtime":
		return attrRecorded
	case "logposition":
		return attrLogPosition
	}
	return attrExtension
}
