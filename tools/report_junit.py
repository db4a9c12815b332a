# SPDX-License-Identifier: GPL-2.0
"""Writes JUnit XML, the dialect that CI servers read."""

import re
import xml.etree.ElementTree as xml

# What XML 1.0 cannot hold, e.g. the escape of a terminal colour.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def clean(text):
    return ILLEGAL.sub("?", text)


def write(path, layers):
    root = xml.Element("testsuites")
    for layer, cases, facts in layers:
        suite = xml.SubElement(
            root, "testsuite", name=layer, tests=str(len(cases)),
            failures=str(sum(case.status == "fail" for case in cases)),
            skipped=str(sum(case.status == "skip" for case in cases)))
        properties = xml.SubElement(suite, "properties")
        for name, value in facts.items():
            xml.SubElement(properties, "property", name=name, value=clean(str(value)))
        for case in cases:
            element = xml.SubElement(suite, "testcase", classname=f"{layer}.{case.suite or '-'}", name=clean(case.name))
            if case.status == "fail":
                failure = xml.SubElement(element, "failure", message=clean(case.reason))
                failure.text = clean("\n".join(case.log + ([f"again: {case.repeat}"] if case.repeat else [])))
            elif case.status == "skip":
                xml.SubElement(element, "skipped", message=clean(case.reason))
    xml.indent(root)
    xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
