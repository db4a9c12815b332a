// SPDX-License-Identifier: GPL-2.0

//! The settings of a disk: what is allowed, what it means, and that the rest changes nothing.

use crate::{
    checksum::Checksum,
    settings::{
        Completion,
        Field,
        Settings, //
    },
};
use kernel::{
    cpu::nr_cpu_ids,
    page::PAGE_SIZE,
    prelude::*,
    time::Delta, //
};

/// Changes one setting.
fn set(settings: &mut Settings, field: Field, value: i64) -> Result {
    settings.set(c"blk_kunit", field, value)
}

/// Changes one setting as a file does.
fn set_text(settings: &mut Settings, field: Field, text: &[u8]) -> Result {
    settings.set_text(c"blk_kunit", field, text)
}

/// Settings but for which everything is as it is by default.
fn with(changes: &[(Field, i64)]) -> Result<Settings> {
    let mut settings = Settings::default();
    for (field, value) in changes {
        set(&mut settings, *field, *value)?;
    }
    Ok(settings)
}

/// Each field with its least and its greatest value.
fn ranges() -> [(Field, i64, i64); 9] {
    [
        (Field::Size, 1, 1 << 20),
        (Field::BlockSize, 512, PAGE_SIZE as i64),
        (Field::SubmitQueues, 1, i64::from(nr_cpu_ids())),
        (Field::QueueDepth, 1, 1024),
        (Field::Discard, 0, 1),
        (Field::WriteCache, 0, 1),
        (Field::Checksums, 0, 3),
        (Field::Completion, 0, 3),
        (Field::CompletionNsec, 1, 1_000_000_000),
    ]
}

#[kunit_tests(baton_blk_settings)]
mod tests {
    use super::*;

    #[test]
    fn the_least_and_the_greatest_value_are_allowed() -> Result {
        let mut wrong = 0;
        for (field, least, greatest) in ranges() {
            let mut settings = Settings::default();
            for value in [least, greatest] {
                wrong += u32::from(set(&mut settings, field, value).is_err());
                wrong += u32::from(settings.get(field) != value);
            }
            for value in [least - 1, greatest + 1, i64::MIN, i64::MAX] {
                wrong += u32::from(set(&mut settings, field, value) != Err(EINVAL));
                wrong += u32::from(settings.get(field) != greatest);
            }
        }
        assert_eq!(wrong, 0);
        Ok(())
    }

    #[test]
    fn a_block_size_is_a_power_of_two() -> Result {
        let mut settings = Settings::default();
        let (good, bad) = (
            set(&mut settings, Field::BlockSize, 1024),
            set(&mut settings, Field::BlockSize, 1536),
        );
        assert_eq!((good, bad), (Ok(()), Err(EINVAL)));
        assert_eq!(settings.block_size(), 1024);
        Ok(())
    }

    #[test]
    fn a_text_is_a_number_with_or_without_blanks() -> Result {
        let mut settings = Settings::default();
        let plain = set_text(&mut settings, Field::Size, b"7\n");
        let size = settings.get(Field::Size);
        let blanks = set_text(&mut settings, Field::Size, b" 8 \n");
        let mut wrong = 0;
        for text in [&b""[..], b"\n", b"9x", b"9 9", b"0x9", b"inline", b"\xff"] {
            wrong += u32::from(set_text(&mut settings, Field::Size, text) != Err(EINVAL));
        }
        assert_eq!((plain, size), (Ok(()), 7));
        assert_eq!(blanks, Ok(()));
        assert_eq!(wrong, 0);
        assert_eq!(settings.get(Field::Size), 8);
        Ok(())
    }

    #[test]
    fn a_completion_has_a_word_and_a_number() -> Result {
        let mut settings = Settings::default();
        let mut wrong = 0;
        for (number, word, which) in [
            (0, "inline", Completion::Inline),
            (1, "workqueue", Completion::Workqueue),
            (2, "timer", Completion::Timer),
            (3, "polled", Completion::Polled),
        ] {
            wrong +=
                u32::from(set_text(&mut settings, Field::Completion, word.as_bytes()).is_err());
            wrong += u32::from(settings.completion() != which);
            wrong += u32::from(settings.word(Field::Completion) != Some(word));
            wrong += u32::from(settings.get(Field::Completion) != number);
            set(&mut settings, Field::Completion, number)?;
            wrong += u32::from(settings.completion() != which);
        }
        let bad = set_text(&mut settings, Field::Completion, b"sometimes");
        assert_eq!(wrong, 0);
        assert_eq!(bad, Err(EINVAL));
        Ok(())
    }

    #[test]
    fn a_checksum_has_a_word_and_a_number() -> Result {
        let mut settings = Settings::default();
        let mut wrong = 0;
        for (number, word, which, of_zeroes) in [
            (0, "none", Checksum::None, 0),
            (1, "crc32c", Checksum::Crc32c, 0x8a91_36aa),
            (2, "xxh64", Checksum::Xxh64, 0x7063_2cf5),
        ] {
            wrong += u32::from(set_text(&mut settings, Field::Checksums, word.as_bytes()).is_err());
            wrong += u32::from(settings.checksum() != which);
            wrong += u32::from(settings.word(Field::Checksums) != Some(word));
            wrong += u32::from(settings.get(Field::Checksums) != number);
            wrong += u32::from(settings.checksum().of(&[0; 32]) != of_zeroes);
        }
        let bad = set_text(&mut settings, Field::Checksums, b"xxh32");
        assert_eq!(wrong, 0);
        assert_eq!(bad, Err(EINVAL));
        assert_eq!(settings.word(Field::Size), None);
        Ok(())
    }

    #[test]
    fn the_fastest_checksum_is_the_one_that_takes_less() -> Result {
        let (less, more) = (Delta::from_nanos(600), Delta::from_nanos(700));
        let mut settings = Settings::default();
        set_text(&mut settings, Field::Checksums, b"fastest")?;
        let (measured, again) = (settings.checksum(), settings.checksum());
        assert!(Checksum::faster(less, more) == Checksum::Crc32c);
        assert!(Checksum::faster(more, less) == Checksum::Xxh64);
        assert!(measured != Checksum::None);
        assert!(measured == again);
        Ok(())
    }

    #[test]
    fn sizes_are_in_mebibytes() -> Result {
        let settings = with(&[(Field::Size, 3)])?;
        assert_eq!(settings.sectors(), 3 * 2048);
        assert_eq!(settings.pages(), 3 * (1 << 20) / PAGE_SIZE);
        Ok(())
    }

    #[test]
    fn requests_are_those_of_all_queues() -> Result {
        let plain = with(&[(Field::QueueDepth, 7)])?;
        let polled = with(&[(Field::QueueDepth, 7), (Field::Completion, 3)])?;
        assert_eq!((plain.hw_queues(), plain.poll_queues()), (1, 0));
        assert_eq!((plain.requests(), plain.depth()), (7, 7));
        // As many queues for those who poll.
        assert_eq!((polled.hw_queues(), polled.poll_queues()), (1, 1));
        assert_eq!(polled.requests(), 14);
        Ok(())
    }

    #[test]
    fn a_new_disk_has_the_defaults() -> Result {
        let settings = Settings::default();
        assert_eq!(settings.sectors(), 2 << 20);
        assert_eq!(settings.block_size() as usize, PAGE_SIZE);
        assert_eq!((settings.hw_queues(), settings.depth()), (1, 64));
        assert!(settings.discard() && settings.write_cache());
        assert_eq!(settings.word(Field::Checksums), Some("fastest"));
        assert!(settings.completion() == Completion::Inline);
        assert!(settings.delay() == Delta::from_nanos(50_000));
        assert!(!with(&[(Field::Discard, 0)])?.discard());
        assert!(!with(&[(Field::WriteCache, 0)])?.write_cache());
        Ok(())
    }
}
