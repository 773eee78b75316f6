package wire

import (
	"bytes"
	"encoding/binary"

	"github.com/alwrity/alwrity-sub/pricing"
)

// audioMilliseconds estimates how long the audio of a file is by its beginning and its size in bytes: exactly where it
// says it, by its bit rate where it says that, and else as if it were speech at 64 kbit a second.
func audioMilliseconds(head []byte, size int64) int64 {
	bytesInSecond := int64(8_000)
	switch {
	case len(head) >= 32 && bytes.HasPrefix(head, []byte("RIFF")) && bytes.Equal(head[8:12], []byte("WAVE")):
		// http://soundfile.sapp.org/doc/WaveFormat/: the bytes of a second stand at 28.
		bytesInSecond = int64(binary.LittleEndian.Uint32(head[28:]))
	case len(head) >= 26 && bytes.HasPrefix(head, []byte("fLaC")):
		// RFC 9639, 8.2: 20 bits of the samples of a second, 8 of other things, 36 of all samples.
		rate := int64(binary.BigEndian.Uint32(head[18:]) >> 12)
		samples := int64(binary.BigEndian.Uint64(head[18:]) & (1<<36 - 1))
		if rate > 0 && samples > 0 {
			return min(samples*1000/rate, pricing.MaxQuantity)
		}
	default:
		if rate := mp3Rate(head); rate > 0 {
			bytesInSecond = rate
		}
	}
	if bytesInSecond <= 0 {
		bytesInSecond = 8_000
	}
	return min(size, pricing.MaxQuantity/1000) * 1000 / bytesInSecond
}

// mp3Rate returns the bytes in a second by the first frame of an MP3, 0 where there is none
// (ISO 11172-3, 2.4.2.3, layer III of version 1 and 2; http://id3.org/id3v2.3.0 for what may come before).
func mp3Rate(head []byte) int64 {
	if len(head) >= 10 && bytes.HasPrefix(head, []byte("ID3")) {
		size := int(head[6]&127)<<21 | int(head[7]&127)<<14 | int(head[8]&127)<<7 | int(head[9]&127)
		if 10+size >= len(head) {
			return 16_000 // the frame is not in the beginning: 128 kbit is the usual rate
		}
		head = head[10+size:]
	}
	if len(head) < 4 || head[0] != 0xFF || head[1]&0xE6 != 0xE2 {
		return 0
	}
	kilobits := [16]int64{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}
	if head[1]&0x08 == 0 { // version 2
		kilobits = [16]int64{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}
	}
	return kilobits[head[2]>>4] * 125
}
