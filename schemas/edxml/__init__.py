"""
edXML, the packets that administrations send each other: QCVN 102:2016/BTTTT, amended in 2022.

    names       namespaces, and the names of what stands around the fields
    model       the fields of each packet, read from the XSD; the meanings of statuses
    reading     packets from bytes, by name and not by order, with the place of every value
    judging     is a packet as the XSD says, and if not, everything that is wrong with it
    building    packets as bytes, in the order and with the prefixes that are usual
    answering   which document a status is of, and the status that answers a document

What files are in a packet is unpacked and packed in `adapters`, their signatures are judged in the
application. The annexes of the QCVN were not to be had: what is known is what implementations do.
"""

__all__ = ["answering", "building", "judging", "model", "names", "reading"]
